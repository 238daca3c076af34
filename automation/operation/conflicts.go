package operation

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/automation/awscloud"
	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/daemon"
	"github.com/apigateway-ingress/apigateway-ingress/stacks/deploy"
)

// checkConflicts refuses what the stack would make in a cluster that others use as well, and that is taken there. The engine sees
// it in mid-update only: the Kubernetes provider's preview takes an object that exists for good.
// https://github.com/pulumi/pulumi-kubernetes/blob/v4.32.0/provider/pkg/provider/provider.go
func (r *run) checkConflicts(ctx context.Context, settings *deploy.Settings) error {
	cluster := r.sharedCluster(ctx, settings)
	if cluster == "" {
		return nil
	}
	footprint, err := settings.Footprint()
	if err != nil {
		return err
	}
	resources, err := r.session.Resources(ctx)
	if err != nil {
		return err
	}
	if footprint = newIn(footprint, resources); reflect.DeepEqual(footprint, platform.Footprint{}) {
		return nil
	}
	use, err := r.clusterUse(ctx, cluster)
	if err != nil {
		r.warn(fmt.Errorf("whether names and ports are free in cluster %s is not known: %w", cluster, err))
		return nil
	}
	return fail(Usage, taken(footprint, use, cluster))
}

// sharedCluster is the cluster that the stack does not make; empty for one that it makes.
func (r *run) sharedCluster(ctx context.Context, settings *deploy.Settings) string {
	if settings.PlatformStack == "" {
		return settings.ClusterName
	}
	outputs, err := r.session.Stack.Workspace().StackOutputs(ctx, settings.PlatformStack)
	if err != nil {
		// The program says it better.
		return ""
	}
	name, _ := outputs["clusterName"].Value.(string)
	return name
}

// newIn leaves of the footprint what the stack does not have yet.
func newIn(footprint platform.Footprint, resources []engine.Resource) platform.Footprint {
	for _, r := range resources {
		switch r.Type {
		case "kubernetes:core/v1:Namespace":
			switch r.ID {
			case footprint.ProxyNamespace:
				footprint.ProxyNamespace = ""
			case footprint.PodRoleNamespace:
				footprint.PodRoleNamespace = ""
			}
			footprint.Namespaces = without(footprint.Namespaces, r.ID)
		case "kubernetes:core/v1:Service":
			if !r.External {
				footprint.Services = without(footprint.Services, r.ID)
			}
		case "apigateway-ingress:proxy:Proxy":
			if port, _ := r.Outputs["nodePort"].(float64); int(port) == footprint.NodePort {
				footprint.NodePort = 0
			}
		}
	}
	return footprint
}

// without is nil when nothing is left.
func without(names []string, name string) []string {
	var left []string
	for _, other := range names {
		if other != name {
			left = append(left, other)
		}
	}
	return left
}

func (r *run) clusterUse(ctx context.Context, cluster string) (awscloud.ClusterUse, error) {
	if r.project.Target != engine.Local {
		account, err := Connect(ctx, r.project)
		if err != nil {
			return awscloud.ClusterUse{}, err
		}
		return account.ClusterUse(ctx, cluster)
	}
	client, err := daemon.NewClient(r.StateDir)
	if err != nil {
		return awscloud.ClusterUse{}, err
	}
	use, err := client.ClusterUse(ctx, cluster)
	return awscloud.ClusterUse(use), err
}

// taken says what of the footprint others have, and what to write instead.
func taken(footprint platform.Footprint, use awscloud.ClusterUse, cluster string) error {
	var problems []error
	if slices.Contains(use.Namespaces, footprint.ProxyNamespace) {
		problems = append(problems, fmt.Errorf("namespace %s is in cluster %s already, and not this stack's: another gateway has the same "+
			"name. Give this one another in the config key name", footprint.ProxyNamespace, cluster))
	}
	if slices.Contains(use.Namespaces, footprint.PodRoleNamespace) {
		problems = append(problems, fmt.Errorf("namespace %s is in cluster %s already, and not this stack's: another stack has the role for "+
			"pods there. Set the config key podRole to none", footprint.PodRoleNamespace, cluster))
	}
	for _, name := range footprint.Namespaces {
		if slices.Contains(use.Namespaces, name) {
			problems = append(problems, fmt.Errorf("namespace %s is in cluster %s already, and not this stack's: name it in the config key "+
				"existingNamespaces to have it used as it is", name, cluster))
		}
	}
	for _, name := range footprint.Services {
		if slices.Contains(use.Services, name) {
			problems = append(problems, fmt.Errorf("service %s is in cluster %s already, and not this stack's: leave its image out to publish "+
				"the one that is there, or set the config key namespace to have one of your own", name, cluster))
		}
	}
	if owner := use.NodePorts[footprint.NodePort]; owner != "" {
		free := firstNodePort
		for use.NodePorts[free] != "" {
			free++
		}
		problems = append(problems, fmt.Errorf("port %d of the nodes of cluster %s is taken by service %s: set the config key nodePort to a "+
			"free one, such as %d", footprint.NodePort, cluster, owner, free))
	}
	return errors.Join(problems...)
}
