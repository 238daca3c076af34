package deploy

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/cluster"
	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/apigateway-ingress/apigateway-ingress/components/podrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/manifest"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/refgrant"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Config is a stack's config: each field with a pulumi tag is a key, and so are the fields of the platform's parts. The
// schema in Pulumi.yaml and docs/reference/config.md are written from it by `make golden`.
type Config struct {
	Machine Machine `pulumi:"machine,optional" config:",inline"`
	// Name is the prefix of every resource, at most 20 letters, digits and hyphens.
	Name string `pulumi:"name,optional" default:"bookstore"`
	// Manifests are Ingress manifests, as files, folders, patterns or kustomizations relative to Pulumi.yaml. Default
	// examples/bookstore/ingress.yaml, and none where publish is set. An object binds what it names to a namespace.
	Manifests []Manifest `pulumi:"manifests,optional"`
	// Publish are routes to Services without any manifest.
	Publish []Publication `pulumi:"publish,optional"`
	// Namespace is the Kubernetes namespace of all Ingresses and services instead of their own, for a second copy on a
	// shared cluster.
	Namespace string `pulumi:"namespace,optional"`
	// OpenAPI are OpenAPI 3.0 files that say what requests to some resources must look like. API Gateway answers 400 to
	// others.
	OpenAPI []string `pulumi:"openapi,optional"`
	// PlatformStack is a stack of this program whose network and cluster this one uses, for example
	// organization/apigateway-ingress/base.
	PlatformStack string `pulumi:"platformStack,optional"`
	// ClusterName is an existing EKS cluster with managed node groups. Its VPC and subnets are those that it has, unless vpcId
	// names them, and the Services that routes name are looked up in it. The keys about a new cluster have no meaning then.
	ClusterName string `pulumi:"clusterName,optional"`
	// Kubeconfig is a file by which the existing cluster is reached, relative to Pulumi.yaml. Empty asks the AWS CLI for a
	// token.
	Kubeconfig string `pulumi:"kubeconfig,optional"`
	// NodeCount is the number of nodes of the managed node group.
	NodeCount int `pulumi:"nodeCount,optional" default:"3" range:"1..450"`
	// InstanceType is the EC2 type of these nodes.
	InstanceType string `pulumi:"instanceType,optional" default:"t3.medium"`
	// NetworkPolicies let only the load balancer reach the proxy, and only proxies the services that the stack makes. Turn
	// them off for services that call each other.
	NetworkPolicies bool `pulumi:"networkPolicies,optional" default:"true"`

	Platform platform.Args `pulumi:"platform,optional" config:",inline"`
}

// Machine is what the config says to the apigw-ingress binary, and not to the program.
type Machine struct {
	// Target is where the stack runs. local is this machine, for the apigw-ingress binary.
	Target string `pulumi:"target,optional" default:"aws" enum:"aws,local"`
	// LocalImages are container image repositories and the commands that stand for them on the local target, each a list
	// in which ${POD_IP} and ${PORT} are where to listen.
	LocalImages map[string][]string `pulumi:"localImages,optional"`
	// LocalFunctions are Lambda functions by name and the commands that stand for them on the local target. Each gets the
	// event as JSON and answers with JSON.
	LocalFunctions map[string][]string `pulumi:"localFunctions,optional"`
}

// defaultManifests are the sample's.
const defaultManifests = "examples/bookstore/ingress.yaml"

// Lookup gives a key of the project's config, in the form in which Pulumi hands it to programs:
// text as it is, everything else as JSON. The second result is false when the key is not set.
type Lookup func(key string) (string, bool)

// Settings are a stack's config with the files that it names.
type Settings struct {
	Config
	// Region is the stack's own key aws:region.
	Region string
	// kubeconfig is the content of the file.
	kubeconfig string
	// given are manifests in place of the files that the config names; nil for none.
	given *ingress.Manifests
}

// Read turns a stack's config into settings and reads the files that it names, relative to root.
// All problems are reported together, before any resource exists.
func Read(get Lookup, root string) (*Settings, error) {
	return ReadFrom(settings.Source{Get: get}, root)
}

// ReadFrom is Read for a source that knows which values are secrets and which keys are set.
func ReadFrom(source settings.Source, root string) (*Settings, error) {
	return ReadWith(source, root, nil)
}

// ReadWith is ReadFrom with manifests in place of the files that the config names, unless they are nil.
func ReadWith(source settings.Source, root string, manifests *ingress.Manifests) (*Settings, error) {
	s := &Settings{given: manifests}
	s.Region, _ = source.Get("aws:region")
	var p settings.Problems
	p.Add(settings.Read(source, &s.Config))
	p.When(s.Region == "", "no region is set: run `pulumi config set aws:region us-east-1`")
	if tags, known := s.Platform.Tags.(pulumi.StringMap); known {
		p.When(len(tags) > maxTags, "{Platform.Tags}: %d are more than %d: AWS takes 50 of a resource, and some are the stack's own",
			len(tags), maxTags)
		for _, own := range []string{managedByTag, projectTag, stackTag, groupTag} {
			_, taken := tags[own]
			p.When(taken, "{Platform.Tags} %s is one of the stack's own: write another one", own)
		}
	}
	p.In("Machine", settings.Check(s.Machine))
	s.spread()
	s.keepWritten(source)
	unreadable := s.files(root)
	p.Add(unreadable)
	p.When(s.PlatformStack != "" && (s.ClusterName != "" || s.Platform.Network.Existing != nil),
		"{PlatformStack} brings its own network and cluster: leave {ClusterName} and {Platform.Network.Existing.ID} empty")
	p.When(s.Namespace != "" && slices.ContainsFunc(s.Manifests, func(m Manifest) bool { return m.Namespace != "" }),
		"{Namespace} takes the place of every namespace: leave it empty, or bind no manifests to namespaces")
	p.When(s.Kubeconfig != "" && s.ClusterName == "", "{Kubeconfig} is for an existing cluster: name it in {ClusterName}")
	p.When(s.given != nil && len(s.Publish) > 0, "{Publish}: a controller serves the Ingresses of a cluster alone: write Ingresses")
	if unreadable == nil || len(s.Platform.Manifests.Ingresses) > 0 {
		p.In("Platform", s.validate())
	}
	return s, inConfig(p.Err())
}

// inConfig lets errors speak of config keys.
func inConfig(err error) error { return settings.InConfig(reflect.TypeFor[Config](), err) }

// keepWritten lets the profile change no key that the stack's file sets.
func (s *Settings) keepWritten(source settings.Source) {
	if source.Written == nil {
		return
	}
	for _, key := range settings.Hardened(reflect.TypeFor[Config]()) {
		if source.Written(key) {
			s.Platform.ProfileExceptions = append(s.Platform.ProfileExceptions, key)
		}
	}
}

// spread puts what the keys above say into the platform's arguments.
func (s *Settings) spread() {
	p := &s.Platform
	p.OpenPods = !s.NetworkPolicies
	if len(p.Cluster.NodeGroups) == 0 {
		p.Cluster.NodeGroups = []cluster.NodeGroup{{Count: s.NodeCount, InstanceTypes: []string{s.InstanceType}}}
	}
	for i := range p.Services {
		p.Services[i].Namespace = cmp.Or(s.Namespace, p.Services[i].Namespace)
	}
	if s.shared() {
		// Only the platform's owner hands out the role for pods.
		p.PodRole = podrole.Settings{Mode: podrole.None}
	}
}

// files reads what the config names.
func (s *Settings) files(root string) error {
	published, publishErr := publications(s.Publish)
	if s.given != nil {
		s.Manifests = nil
	} else if len(s.Manifests) == 0 && len(s.Publish) == 0 {
		s.Manifests = []Manifest{{Path: defaultManifests}}
	}
	objects, readErr := s.objects(root)
	manifests, manifestsErr := ingress.From(objects)
	for i := range manifests.Ingresses {
		found := &manifests.Ingresses[i]
		found.Namespace = cmp.Or(s.Namespace, found.Namespace)
		found.Source = strings.TrimPrefix(found.Source, root+string(filepath.Separator))
	}
	fragments, fragmentsErr := route.LoadFragments(within(root, s.OpenAPI))
	for i := range fragments {
		fragments[i].Source = strings.TrimPrefix(fragments[i].Source, root+string(filepath.Separator))
	}
	manifests.Ingresses = append(manifests.Ingresses, published...)
	if s.given != nil {
		manifests = *s.given
	}
	s.Platform.Manifests, s.Platform.Fragments = manifests, fragments
	grantsErr := s.grants(objects)
	var kubeconfigErr error
	if s.Kubeconfig != "" {
		content, err := os.ReadFile(within(root, []string{s.Kubeconfig})[0])
		if err != nil {
			kubeconfigErr = fmt.Errorf("config kubeconfig: %w", err)
		}
		s.kubeconfig = string(content)
	}
	return errors.Join(publishErr, readErr, manifestsErr, grantsErr, fragmentsErr, kubeconfigErr)
}

// grants are among the manifests.
func (s *Settings) grants(objects manifest.Set) error {
	grants, err := refgrant.Of(objects)
	for i := range grants {
		grants[i].Namespace = cmp.Or(s.Namespace, grants[i].Namespace)
	}
	s.Platform.Grants = grants
	return err
}

// within are files relative to the project.
func within(root string, paths []string) []string {
	var full []string
	for _, path := range paths {
		if !filepath.IsAbs(path) {
			path = filepath.Join(root, path)
		}
		full = append(full, path)
	}
	return full
}

// shared says whether network and cluster are another stack's.
func (s *Settings) shared() bool { return s.PlatformStack != "" }

// validate checks what can be checked without AWS.
func (s *Settings) validate() error { return s.foreseen().Validate(s.Name) }

// Routes is the stack's table. Services of an existing cluster are taken for good: whether they are there is for the cluster to say.
func (s *Settings) Routes() (*route.Table, error) { return s.foreseen().Routes() }

// Footprint is what the stack makes in its cluster of which there can be only one there.
func (s *Settings) Footprint() (platform.Footprint, error) { return s.foreseen().Footprint(s.Name) }

// Judge says of each Ingress what becomes of it. It takes for good what Routes does.
func (s *Settings) Judge() ingress.Report { return s.foreseen().Judge() }

// foreseen are the platform's arguments with what AWS will tell taken for good.
func (s *Settings) foreseen() platform.Args {
	checked := s.Platform
	if s.shared() || s.ClusterName != "" && checked.Network.Existing == nil {
		checked.Network.Existing = &network.VPC{ID: pulumi.String("vpc-0"),
			PrivateSubnetIDs: pulumi.ToStringArray([]string{"subnet-0", "subnet-1"})}
	}
	if s.shared() || s.ClusterName != "" {
		existing := pulumi.String("existing")
		checked.Cluster.Existing = &cluster.Existing{Name: existing, Endpoint: existing, OIDCProviderARN: existing}
		checked.Cluster.Existing.Nodes.SecurityGroupID = existing
		checked.Cluster.Existing.Nodes.AutoScalingGroups = pulumi.StringMap{"existing": existing}
	}
	return checked
}
