// Package platform publishes Kubernetes services through Amazon API Gateway, from manifests to endpoint:
//
//	client --SigV4--> REST API + stage --VPC link--> NLB --NodePort--> NGINX --> services
//
// Platform declares the whole chain: a VPC, an EKS cluster with its nodes, the services, the NGINX proxy,
// the load balancer, the VPC link and the API, and the AWS role for pods that manage them. Each part is a
// component of its own and can be used alone.
//
//	ingresses, err := ingress.Load([]string{"ingress.yaml"}, nil)
//	…
//	p, err := platform.New(ctx, "shop", &platform.Args{
//		Location:          platform.Location{Partition: "aws", Region: "eu-west-1", Account: account},
//		AvailabilityZones: []string{"eu-west-1a", "eu-west-1b"},
//		Ingresses:         ingresses,
//		Services:          []platform.Service{{Name: "bookservice", Image: image, Port: 80}},
//		Gateway:           gateway.Settings{Access: gateway.Access{ClientUser: true}},
//	})
//	ctx.Export("endpoint", p.Endpoint)
package platform

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/cluster"
	"github.com/apigateway-ingress/apigateway-ingress/components/gateway"
	"github.com/apigateway-ingress/apigateway-ingress/components/iamrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/podrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/proxy"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/components/workload"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const typeToken = "apigateway-ingress:platform:Platform"

// proxyName is the name of the proxy's namespace and of its Service; several platforms may share a cluster.
func proxyName(name string) string { return strings.ToLower(name) + "-proxy" }

// Args describe the platform. Zero values mean the defaults of the parts.
type Args struct {
	// Location is where in AWS the platform stands.
	Location Location
	// AvailabilityZones are two or three zones of the region.
	AvailabilityZones []string
	// Ingresses are the routes; their annotations supply what the fields below leave open.
	Ingresses []ingress.Ingress
	// Group takes the Ingresses of one group.name only; by default all of them must be of one group.
	Group string
	// Authorizers are those that the annotation auth may name; Fragments say what requests must look like.
	Authorizers []route.Authorizer
	Fragments   []route.Fragment
	// APIResourceQuota is the number of resources that AWS allows in a REST API, where it was raised. Default 300.
	APIResourceQuota int
	// Services are the backends that the Ingresses may name.
	Services []Service
	// Network, Cluster, PodRole, Proxy and Gateway are the settings of the parts. In those of the gateway, fields win
	// over annotations, except that the client ARNs of both may call.
	Network network.Settings
	Cluster cluster.Settings
	PodRole podrole.Settings
	Proxy   proxy.Settings
	Gateway gateway.Settings
	// OpenPods leaves the pods reachable from the whole cluster. By default NetworkPolicies let in the chain alone: the
	// load balancer to the proxy, and the proxy to the services that the platform makes.
	OpenPods bool
	// IAM is how the roles and the user of all parts are made: under which path, and within which permissions boundary.
	IAM iamrole.Settings
	// CertificateProvider is AWS's provider for us-east-1: see gateway.Args.
	CertificateProvider *aws.Provider
	// Tags are put on every AWS resource.
	Tags map[string]string
}

// Location is a partition (aws, aws-cn, aws-us-gov), a region and an account number.
type Location struct{ Partition, Region, Account string }

// Service is a backend: made by the platform from Image, or existing in the cluster when Image is empty.
type Service struct {
	// Name and Namespace are the Service's. Namespace is default by default.
	Name, Namespace string
	// Image is the container image; without one the Service must exist.
	Image string
	// Port is the Service's port, ContainerPort the container's. Default 8080.
	Port, ContainerPort int
	// Replicas is the number of pods. Default 2.
	Replicas int
}

// Platform is the published services.
type Platform struct {
	pulumi.ResourceState

	// Endpoint is the invoke URL including the stage.
	Endpoint    pulumi.StringOutput `pulumi:"endpoint"`
	RestAPIID   pulumi.IDOutput     `pulumi:"restApiId"`
	StageName   pulumi.StringOutput `pulumi:"stageName"`
	VpcLinkID   pulumi.IDOutput     `pulumi:"vpcLinkId"`
	NLBDNSName  pulumi.StringOutput `pulumi:"nlbDnsName"`
	ClusterName pulumi.StringOutput `pulumi:"clusterName"`
	PodRoleARN  pulumi.StringOutput `pulumi:"podRoleArn"`
	// VpcID, VpcCIDR and PrivateSubnetIDs are the network, for stacks that share it.
	VpcID            pulumi.StringOutput      `pulumi:"vpcId"`
	VpcCIDR          pulumi.StringOutput      `pulumi:"vpcCidr"`
	PrivateSubnetIDs pulumi.StringArrayOutput `pulumi:"privateSubnetIds"`
	// DeploymentID is the newest deployment, for a later canary or a way back.
	DeploymentID pulumi.IDOutput `pulumi:"deploymentId"`
	// APIKeys are the values of the usage plans' keys by name, secret.
	APIKeys pulumi.StringMapOutput `pulumi:"apiKeys"`
	// DomainTarget is where a DNS record for the domain name must point; empty without a domain.
	DomainTarget pulumi.StringOutput `pulumi:"domainTarget"`
	// ClientAccessKeyID and ClientSecretAccessKey belong to the client user; empty without one. The second is secret.
	ClientAccessKeyID     pulumi.StringOutput `pulumi:"clientAccessKeyId"`
	ClientSecretAccessKey pulumi.StringOutput `pulumi:"clientSecretAccessKey"`

	// Kubernetes is the provider for objects in the cluster, ProxyNamespace where the proxy runs, and the others are
	// its nodes: what a second gateway on the same cluster needs.
	Kubernetes          *kubernetes.Provider
	ProxyNamespace      pulumi.StringInput
	NodeSecurityGroupID pulumi.StringInput
	AutoScalingGroups   []pulumi.StringInput

	name  string
	parts parts
}

// parts are the arguments of the components, as far as they are plain.
type parts struct {
	args    Args
	routes  *route.Table
	network network.Args
	cluster cluster.Args
	role    podrole.Args
	proxy   proxy.Args
	gateway gateway.Args
}

// Validate reports every problem of the arguments, of all parts and all manifests together.
func (a Args) Validate(name string) error {
	_, err := a.plan(name)
	return err
}

// plan spreads the arguments over the parts. Fields win over annotations.
func (a Args) plan(name string) (parts, error) {
	routes, routesErr := a.Routes()
	var settings route.Settings
	if routes != nil {
		settings = routes.Settings
	}
	p := parts{args: a, routes: routes}
	here := a.Location
	p.network = network.Args{Settings: a.Network, AvailabilityZones: a.AvailabilityZones, Region: here.Region, Partition: here.Partition, IAM: a.IAM, Tags: a.Tags}
	p.cluster = cluster.Args{Settings: a.Cluster, Partition: here.Partition, NetworkPolicies: !a.OpenPods, IAM: a.IAM, Tags: a.Tags}
	p.role = podrole.Args{Settings: a.PodRole, Partition: here.Partition, Region: here.Region, Account: here.Account, IAM: a.IAM, Tags: a.Tags}
	if a.PodRole.Mode == podrole.PodIdentity && !slices.ContainsFunc(a.Cluster.Addons, func(addon cluster.Addon) bool { return addon.Name == cluster.PodIdentityAgent }) {
		p.cluster.Addons = append(slices.Clone(a.Cluster.Addons), cluster.Addon{Name: cluster.PodIdentityAgent})
	}
	p.proxy = proxy.Args{Settings: a.Proxy, Routes: routes, Name: proxyName(name)}
	p.proxy.Image = cmp.Or(a.Proxy.Image, settings.ProxyImage)
	p.proxy.Replicas = cmp.Or(a.Proxy.Replicas, settings.ProxyReplicas)
	p.proxy.Port = cmp.Or(a.Proxy.Port, settings.ProxyPort)
	p.proxy.NodePort = cmp.Or(a.Proxy.NodePort, proxy.DefaultNodePort)
	if len(p.proxy.NodeSelector) == 0 {
		p.proxy.NodeSelector = settings.NodeSelector
	}
	p.gateway = gateway.Args{Settings: a.Gateway, Routes: routes, Partition: here.Partition, Region: here.Region, IAM: a.IAM, Tags: a.Tags}
	p.gateway.CertificateProvider = a.CertificateProvider
	p.gateway.Stage.Name = cmp.Or(a.Gateway.Stage.Name, settings.StageName)
	p.gateway.Access.ClientARNs = append(slices.Clone(a.Gateway.Access.ClientARNs), settings.ClientARNs...)
	p.gateway.Domain.Name = cmp.Or(a.Gateway.Domain.Name, settings.CustomDomainName)
	p.gateway.Domain.CertificateARN = cmp.Or(a.Gateway.Domain.CertificateARN, settings.CertificateARN)
	problems := []error{
		routesErr, a.validateServices(), a.validateExisting(),
		p.network.Validate(), p.cluster.Validate(), p.role.Validate(), p.proxy.Validate(), p.gateway.Validate(name),
	}
	return p, errors.Join(problems...)
}

// validateExisting: a cluster stands in a VPC, so an existing one takes an existing VPC; and its roles are not ours.
func (a Args) validateExisting() error {
	var problems []error
	if a.Cluster.Existing != nil && a.Network.Existing == nil {
		problems = append(problems, errors.New("clusterName without vpcId: name the cluster's VPC and its private subnets"))
	}
	if a.Cluster.Existing != nil && a.PodRole.Mode == podrole.Kube2IAM {
		problems = append(problems, errors.New("podRole kube2iam changes the role of the nodes, which in an existing cluster is not the stack's: choose irsa, podIdentity or none"))
	}
	if a.Cluster.Existing != nil && a.Cluster.Existing.OIDCProviderARN == "" && (a.PodRole.Mode == "" || a.PodRole.Mode == podrole.IRSA) {
		problems = append(problems, fmt.Errorf("podRole irsa: IAM has no OIDC provider for cluster %s: make one, or choose podIdentity or none", a.Cluster.Existing.Name))
	}
	return errors.Join(problems...)
}

// Routes is the table that the Ingresses make with the services and the group of these arguments.
func (a Args) Routes() (*route.Table, error) {
	return ingress.Compile(a.Ingresses, ingress.Options{
		Services: a.backends(), Domains: a.domains(), Group: a.Group, ResourceQuota: a.APIResourceQuota,
		Authorizers: a.Authorizers, Fragments: a.Fragments,
	})
}

func (a Args) domains() []string {
	if a.Gateway.Domain.Name == "" {
		return nil
	}
	return []string{a.Gateway.Domain.Name}
}

func (a Args) backends() []route.Service {
	var backends []route.Service
	for _, s := range a.Services {
		backends = append(backends, route.Service{
			Namespace: s.namespace(), Name: s.Name, Ports: []route.ServicePort{{Name: "http", Number: s.Port}},
		})
	}
	return backends
}

func (a Args) validateServices() error {
	var problems []error
	seen := map[string]bool{}
	for i, s := range a.Services {
		key := s.namespace() + "/" + s.Name
		if seen[key] {
			problems = append(problems, fmt.Errorf("services[%d]: %s is declared twice", i, key))
		}
		seen[key] = true
		checked := s.workload()
		if s.Image == "" {
			// An existing Service brings its own pods.
			checked.Image = "existing"
		}
		if err := checked.Validate(); err != nil {
			problems = append(problems, fmt.Errorf("services[%d] %s: %w", i, key, err))
		}
	}
	return errors.Join(problems...)
}

func (s Service) namespace() string { return cmp.Or(s.Namespace, defaultNamespace) }

const defaultNamespace = "default"

func (s Service) workload() *workload.Args {
	return &workload.Args{
		ServiceName: s.Name, Image: s.Image, ServicePort: s.Port, ContainerPort: s.ContainerPort, Replicas: s.Replicas,
	}
}

// New declares the platform. Nothing is registered unless all arguments are valid.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Platform, error) {
	planned, err := args.plan(name)
	if err != nil {
		return nil, err
	}
	for _, notice := range planned.routes.Notices {
		if err := ctx.Log.Warn(notice, nil); err != nil {
			return nil, err
		}
	}
	p := &Platform{name: name, parts: planned}
	inputs := pulumi.Map{
		"region":            pulumi.String(args.Location.Region),
		"availabilityZones": pulumi.ToStringArray(args.AvailabilityZones),
		"services":          serviceInputs(args.Services),
		"tags":              pulumi.ToStringMap(args.Tags),
	}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, inputs, p, opts...); err != nil {
		return nil, err
	}
	if err := p.declare(ctx); err != nil {
		return nil, fmt.Errorf("platform %s: %w", name, err)
	}
	return p, ctx.RegisterResourceOutputs(p, pulumi.Map{
		"endpoint":              p.Endpoint,
		"restApiId":             p.RestAPIID,
		"stageName":             p.StageName,
		"vpcLinkId":             p.VpcLinkID,
		"nlbDnsName":            p.NLBDNSName,
		"clusterName":           p.ClusterName,
		"podRoleArn":            p.PodRoleARN,
		"vpcId":                 p.VpcID,
		"vpcCidr":               p.VpcCIDR,
		"privateSubnetIds":      p.PrivateSubnetIDs,
		"deploymentId":          p.DeploymentID,
		"apiKeys":               p.APIKeys,
		"domainTarget":          p.DomainTarget,
		"clientAccessKeyId":     p.ClientAccessKeyID,
		"clientSecretAccessKey": p.ClientSecretAccessKey,
	})
}

func serviceInputs(services []Service) pulumi.Array {
	list := pulumi.Array{}
	for _, s := range services {
		list = append(list, pulumi.Map{"name": pulumi.String(s.Name), "namespace": pulumi.String(s.namespace()), "port": pulumi.Int(s.Port)})
	}
	return list
}

func (p *Platform) declare(ctx *pulumi.Context) error {
	child := pulumi.Parent(p)
	net, err := network.New(ctx, p.name, &p.parts.network, child)
	if err != nil {
		return err
	}
	clusterArgs := p.parts.cluster
	clusterArgs.VpcID, clusterArgs.PublicSubnetIDs, clusterArgs.PrivateSubnetIDs = net.VpcID, net.PublicSubnetIDs, net.PrivateSubnetIDs
	clusterArgs.NetworkReady = net.Ready()
	kube, err := cluster.New(ctx, p.name, &clusterArgs, child)
	if err != nil {
		return err
	}
	p.ClusterName, p.Kubernetes = kube.Name, kube.Kubernetes
	p.NodeSecurityGroupID, p.AutoScalingGroups = kube.NodeSecurityGroupID, kube.NodeGroupNames()
	namespaces, err := p.namespaces(ctx, pulumi.Parent(p), pulumi.Provider(kube.Kubernetes))
	if err != nil {
		return err
	}
	p.ProxyNamespace = namespaces[p.parts.proxy.Name]
	// Declaring a component waits for its provider, and that for the cluster: what goes into the cluster comes last,
	// so that the gateway builds meanwhile.
	if err := p.gateway(ctx, net, kube); err != nil {
		return err
	}
	return p.inCluster(ctx, net, kube, namespaces)
}

func (p *Platform) gateway(ctx *pulumi.Context, net *network.Network, kube *cluster.Cluster) error {
	args := p.parts.gateway
	p.VpcID, p.VpcCIDR, p.PrivateSubnetIDs = net.VpcID, net.CIDR, net.PrivateSubnetIDs
	args.VpcID, args.VpcCIDR, args.SubnetIDs = net.VpcID, net.CIDR, net.PrivateSubnetIDs
	args.Nodes = gateway.Nodes{
		SecurityGroupID: kube.NodeSecurityGroupID, AutoScalingGroups: kube.NodeGroupNames(), NodePort: p.parts.proxy.NodePort,
	}
	args.Pods = gateway.Pods{
		Kubernetes: kube.Kubernetes, Namespace: p.ProxyNamespace, ServiceName: p.parts.proxy.Name, ServicePort: proxy.ServicePort, Port: cmp.Or(p.parts.proxy.Port, proxy.DefaultPort),
	}
	published, err := gateway.New(ctx, p.name, &args, pulumi.Parent(p))
	if err != nil {
		return err
	}
	p.Endpoint, p.RestAPIID, p.StageName = published.Endpoint, published.RestAPIID, published.StageName
	p.VpcLinkID, p.NLBDNSName = published.VpcLinkID, published.NLBDNSName
	p.DomainTarget, p.DeploymentID, p.APIKeys = published.DomainTarget, published.DeploymentID, published.APIKeys
	p.ClientAccessKeyID, p.ClientSecretAccessKey = published.ClientAccessKeyID, published.ClientSecretAccessKey
	return nil
}

func (p *Platform) inCluster(ctx *pulumi.Context, net *network.Network, kube *cluster.Cluster, namespaces map[string]pulumi.StringInput) error {
	inCluster := []pulumi.ResourceOption{pulumi.Parent(p), pulumi.Provider(kube.Kubernetes)}
	if err := p.podRole(ctx, kube, inCluster); err != nil {
		return err
	}
	// Pods have nowhere to run before the nodes exist.
	onNodes := append(slices.Clone(inCluster), pulumi.DependsOn(kube.Nodes))
	var services []pulumi.Resource
	for _, s := range p.parts.args.Services {
		if s.Image == "" {
			continue
		}
		args := s.workload()
		args.Namespace = namespaces[s.namespace()]
		args.Traffic = p.fromProxies()
		backend, err := workload.New(ctx, p.name+"-"+s.Name, args, onNodes...)
		if err != nil {
			return err
		}
		services = append(services, backend.Service())
	}
	proxyArgs := p.parts.proxy
	proxyArgs.Namespace = p.ProxyNamespace
	proxyArgs.Traffic = p.throughProxy(net)
	// NGINX does not start while a name in its configuration cannot be resolved.
	_, err := proxy.New(ctx, p.name+"-proxy", &proxyArgs, append(onNodes, pulumi.DependsOn(services))...)
	return err
}

func (p *Platform) podRole(ctx *pulumi.Context, kube *cluster.Cluster, opts []pulumi.ResourceOption) error {
	p.PodRoleARN = pulumi.String("").ToStringOutput()
	roleArgs := p.parts.role
	if roleArgs.Mode == podrole.None {
		return nil
	}
	roleArgs.Cluster = podrole.ClusterIdentity{
		Name: kube.Name, OIDCProviderARN: kube.OIDCProviderARN, OIDCIssuer: kube.OIDCIssuer, NodeRoleARN: kube.NodeRoleARN, NodeRoleName: kube.NodeRoleName,
	}
	role, err := podrole.New(ctx, p.name, &roleArgs, opts...)
	if err != nil {
		return err
	}
	p.PodRoleARN = role.RoleARN
	return nil
}

// namespaces maps the name of each namespace in use to the namespace, made where it is the platform's to make.
func (p *Platform) namespaces(ctx *pulumi.Context, opts ...pulumi.ResourceOption) (map[string]pulumi.StringInput, error) {
	made := map[string]pulumi.StringInput{defaultNamespace: pulumi.String(defaultNamespace)}
	wanted := []string{p.parts.proxy.Name}
	for _, s := range p.parts.args.Services {
		if s.Image != "" {
			wanted = append(wanted, s.namespace())
		}
	}
	for _, name := range wanted {
		if made[name] != nil {
			continue
		}
		namespace, err := corev1.NewNamespace(ctx, p.name+"-"+name, &corev1.NamespaceArgs{Metadata: metav1.ObjectMetaArgs{
			Name:   pulumi.String(name),
			Labels: namespaceLabels(name == p.parts.proxy.Name),
		}}, opts...)
		if err != nil {
			return nil, err
		}
		made[name] = namespace.Metadata.Name().Elem()
	}
	return made, nil
}
