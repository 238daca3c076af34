package operation

import (
	"context"
	"fmt"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/awscloud"
	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/daemon"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/supervisor"
	"k8s.io/apimachinery/pkg/labels"
)

// hops asks whoever knows about the health of a stack's chain.
func (s *site) hops(ctx context.Context, resources []engine.Resource) ([]awscloud.Hop, error) {
	if s.project.Target == engine.Local {
		return s.localHops(ctx, resources)
	}
	account, err := Connect(ctx, s.project)
	if err != nil {
		return nil, fail(Prerequisite, err)
	}
	return account.Chain(ctx, resources, clusterOf(resources)), nil
}

// Connect reaches the AWS account of a stack, in its region.
func Connect(ctx context.Context, project *engine.Project) (*awscloud.Account, error) {
	region, _ := project.Get("aws:region")
	profile, _ := project.Get("aws:profile")
	return awscloud.Connect(ctx, region, profile)
}

// clusterOf is the name of a stack's cluster, its own or another's, as the stack's outputs give it.
func clusterOf(resources []engine.Resource) string { return outputOf(resources, "clusterName") }

// outputOf is an output of the stack that is text; empty when it is not there.
func outputOf(resources []engine.Resource, name string) string {
	for _, r := range resources {
		if r.Type == "pulumi:pulumi:Stack" {
			text, _ := r.Outputs[name].(string)
			return text
		}
	}
	return ""
}

// localHops puts what the local cloud says into the same words.
func (s *site) localHops(ctx context.Context, resources []engine.Resource) ([]awscloud.Hop, error) {
	client, err := daemon.NewClient(s.StateDir)
	if err != nil {
		return nil, err
	}
	status, running, err := client.Status(ctx)
	if err != nil {
		return nil, err
	}
	var hops []awscloud.Hop
	for _, r := range resources {
		switch {
		case r.Delete:
		case r.Type == "aws:apigateway/stage:Stage":
			hops = append(hops, stageHops(r, status, running)...)
		case r.Type == "kubernetes:apps/v1:Deployment" || r.Type == "kubernetes:apps/v1:DaemonSet":
			hops = append(hops, podHop(r, status, running))
		case r.Type == "kubernetes:core/v1:Service" && r.External:
			hops = append(hops, serviceHop(r, clusterOf(resources), status, running))
		}
	}
	return append(hops, roleHops(resources, status.PodRoles)...), nil
}

// roleHops are about the pods that may have the stack's role; other stacks in the same local cloud have roles of their own.
func roleHops(resources []engine.Resource, roles []localcloud.PodRole) []awscloud.Hop {
	var hops []awscloud.Hop
	for _, role := range roles {
		if role.RoleARN != outputOf(resources, "podRoleArn") {
			continue
		}
		hop := awscloud.Hop{Name: "pod role of " + role.ServiceAccount, Health: awscloud.Healthy, Detail: role.RoleARN}
		if role.Refused != "" {
			hop.Health, hop.Detail = awscloud.Broken, "cannot assume "+role.RoleARN+": "+role.Refused
		}
		hops = append(hops, hop)
	}
	return hops
}

// serviceHop is about the pods behind a Service that the stack publishes and did not make.
func serviceHop(r engine.Resource, cluster string, status daemon.Status, running bool) awscloud.Hop {
	hop := awscloud.Hop{Name: "service " + r.ID, URN: r.URN, Health: awscloud.Broken, Detail: notRunning}
	if !running {
		return hop
	}
	namespace, _, _ := strings.Cut(r.ID, "/")
	selector := selectorOf(r)
	ready, all, remarks := 0, 0, ""
	for _, pod := range status.Pods {
		if pod.Cluster != cluster || pod.Namespace != namespace || len(selector) == 0 ||
			!labels.SelectorFromSet(selector).Matches(labels.Set(pod.Labels)) {
			continue
		}
		if pod.Terminating {
			continue
		}
		all++
		if pod.StandIn != "" {
			remarks = "; a stand-in answers"
		}
		if pod.Ready {
			ready++
		} else {
			remarks = ": " + pod.Reason
		}
	}
	hop.Detail = fmt.Sprintf("%d of %d endpoints ready%s", ready, all, remarks)
	switch {
	case ready == all && all > 0:
		hop.Health = awscloud.Healthy
	case ready > 0:
		hop.Health = awscloud.Degraded
	}
	return hop
}

// selectorOf is by which labels a Service finds its pods.
func selectorOf(r engine.Resource) labels.Set {
	spec, _ := r.Outputs["spec"].(map[string]any)
	return setOf(spec["selector"])
}

// setOf reads labels as they stand in a state.
func setOf(value any) labels.Set {
	found, _ := value.(map[string]any)
	set := labels.Set{}
	for name, value := range found {
		set[name] = fmt.Sprint(value)
	}
	return set
}

const notRunning = "the local cloud is not running: up starts it"

// stageHops are the ways from a stage to pods, one for each listener.
func stageHops(r engine.Resource, status daemon.Status, running bool) []awscloud.Hop {
	if !running {
		return []awscloud.Hop{{Name: "stage " + r.Name(), URN: r.URN, Health: awscloud.Broken, Detail: notRunning}}
	}
	var hops []awscloud.Hop
	for _, way := range status.Ways {
		if r.Inputs["restApi"] != way.API || r.Inputs["stageName"] != way.Stage {
			continue
		}
		hop := awscloud.Hop{Name: fmt.Sprintf("stage %s to load balancer port %d", r.Name(), way.Port), URN: r.URN,
			Health: awscloud.Healthy, Detail: fmt.Sprintf("%d proxy pods", len(way.Pods))}
		if way.Problem != "" {
			hop.Health, hop.Detail = awscloud.Broken, way.Problem
		}
		hops = append(hops, hop)
	}
	return hops
}

// podHop is about the pods of a Deployment or a DaemonSet.
func podHop(r engine.Resource, status daemon.Status, running bool) awscloud.Hop {
	hop := awscloud.Hop{Name: "pods of " + r.ID, URN: r.URN}
	if !running {
		hop.Health, hop.Detail = awscloud.Broken, notRunning
		return hop
	}
	var pods []supervisor.PodStatus
	for _, pod := range status.Pods {
		if pod.Owner == r.URN {
			pods = append(pods, pod)
		}
	}
	hop.Health, hop.Detail = podHealth(pods)
	return hop
}

// podHealth is that of pods that do the same work: one that is ready answers requests. Those that go do not count.
func podHealth(pods []supervisor.PodStatus) (health awscloud.Health, detail string) {
	ready, all, restarts, why, standIn := 0, 0, 0, "", ""
	for _, pod := range pods {
		if pod.Terminating {
			continue
		}
		all++
		restarts += pod.Restarts
		if pod.Ready {
			ready++
		} else {
			why = ": " + pod.Reason
		}
		if pod.StandIn != "" {
			standIn = "; stand-in for " + pod.StandIn
		}
	}
	detail = fmt.Sprintf("%d of %d pods ready%s%s", ready, all, standIn, why)
	if restarts > 0 {
		detail += fmt.Sprintf(", restarted %d times", restarts)
	}
	switch {
	case ready == 0:
		return awscloud.Broken, detail
	case ready < all:
		return awscloud.Degraded, detail
	}
	return awscloud.Healthy, detail
}
