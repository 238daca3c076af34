// Package platform publishes Kubernetes services through Amazon API Gateway, from manifests to endpoint:
//
//	client --SigV4--> REST API + stage --VPC link--> NLB --NodePort--> NGINX --> services
//
// Platform declares the whole chain: a VPC, an EKS cluster with its nodes, the services, the NGINX proxy,
// the load balancer, the VPC link and the API, and the AWS role for pods that manage them. Each part is a
// component of its own and can be used alone.
//
//	ingresses, err := route.Load([]string{"ingress.yaml"}, nil)
//	…
//	p, err := platform.New(ctx, "shop", &platform.Args{
//		Location:          platform.Location{Partition: "aws", Region: "eu-west-1", Account: account},
//		AvailabilityZones: []string{"eu-west-1a", "eu-west-1b"},
//		Ingresses:         ingresses,
//		Services:          []platform.Service{{Name: "bookservice", Image: image, Port: 80}},
//		ClientUser:        true,
//	})
//	ctx.Export("endpoint", p.Endpoint)
package platform

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/components/cluster"
	"github.com/apigateway-ingress/apigateway-ingress/components/gateway"
	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/podrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/proxy"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/workload"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	typeToken      = "apigateway-ingress:platform:Platform"
	proxyNamespace = "apigw-ingress-proxy"
)

// Args describe the platform. Zero values mean the defaults of the parts.
type Args struct {
	// Location is where in AWS the platform stands.
	Location Location
	// Ingresses are the routes; their annotations supply what the fields below leave open.
	Ingresses []route.Ingress
	// Group takes the Ingresses of one group.name only; by default all of them must be of one group.
	Group string
	// APIResourceQuota is the number of resources that AWS allows in a REST API, where it was raised. Default 300.
	APIResourceQuota int
	// Services are the backends that the Ingresses may name.
	Services []Service
	// VPCCIDR is the VPC's range. Default 10.0.0.0/16.
	VPCCIDR string
	// AvailabilityZones are two or three zones of the region.
	AvailabilityZones []string
	// NAT is single (default) or perAz.
	NAT network.NAT
	// KubernetesVersion, NodeCount and InstanceType describe the cluster.
	KubernetesVersion string
	NodeCount         int
	InstanceType      string
	// PodRole is irsa (default) or kube2iam; PodRoleServiceAccounts may use the role besides the platform's own.
	PodRole                podrole.Mode
	PodRoleServiceAccounts []string
	// ProxyImage, ProxyReplicas and NodePort describe NGINX.
	ProxyImage    string
	ProxyReplicas int
	NodePort      int
	// StageName is the API's stage. Default prod.
	StageName string
	// DomainName is the API's own name and CertificateARN the ACM certificate for it; both or none.
	DomainName, CertificateARN string
	// ClientARNs and ClientUser say who may call the API.
	ClientARNs []string
	ClientUser bool
	// LogRetentionDays is how long access logs are kept. Default 30.
	LogRetentionDays int
	// ManageAccountLogging sets API Gateway's account-wide logging role. Default false.
	ManageAccountLogging bool
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
	// DomainTarget is where a DNS record for the domain name must point; empty without a domain.
	DomainTarget pulumi.StringOutput `pulumi:"domainTarget"`
	// ClientAccessKeyID and ClientSecretAccessKey belong to the client user; empty without one. The second is secret.
	ClientAccessKeyID     pulumi.StringOutput `pulumi:"clientAccessKeyId"`
	ClientSecretAccessKey pulumi.StringOutput `pulumi:"clientSecretAccessKey"`

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
	p.network = network.Args{CIDR: a.VPCCIDR, AvailabilityZones: a.AvailabilityZones, NAT: a.NAT, Tags: a.Tags}
	p.cluster = cluster.Args{
		Partition: a.Location.Partition, Version: a.KubernetesVersion, NodeCount: a.NodeCount, InstanceType: a.InstanceType, Tags: a.Tags,
	}
	p.role = podrole.Args{
		Mode: a.PodRole, ServiceAccounts: a.PodRoleServiceAccounts,
		Partition: a.Location.Partition, Region: a.Location.Region, Account: a.Location.Account, Tags: a.Tags,
	}
	p.proxy = proxy.Args{
		Routes: routes, Image: cmp.Or(a.ProxyImage, settings.ProxyImage), Replicas: cmp.Or(a.ProxyReplicas, settings.ProxyReplicas),
		Port: settings.ProxyPort, NodePort: cmp.Or(a.NodePort, proxy.DefaultNodePort), NodeSelector: settings.NodeSelector,
	}
	p.gateway = gateway.Args{
		Routes: routes, StageName: cmp.Or(a.StageName, settings.StageName),
		ClientARNs: append(slices.Clone(a.ClientARNs), settings.ClientARNs...), ClientUser: a.ClientUser,
		LogRetentionDays: a.LogRetentionDays, ManageAccountLogging: a.ManageAccountLogging,
		Partition: a.Location.Partition, Tags: a.Tags,
	}
	p.gateway.DomainName = cmp.Or(a.DomainName, settings.CustomDomainName)
	p.gateway.CertificateARN = cmp.Or(a.CertificateARN, settings.CertificateARN)
	problems := []error{routesErr, a.validateServices(), p.network.Validate(), p.cluster.Validate(), p.role.Validate(), p.proxy.Validate(), p.gateway.Validate(name)}
	return p, errors.Join(problems...)
}

// Routes is the table that the Ingresses make with the services and the group of these arguments.
func (a Args) Routes() (*route.Table, error) {
	return route.Compile(a.Ingresses, route.Options{Services: a.backends(), Domains: a.domains(), Group: a.Group, ResourceQuota: a.APIResourceQuota})
}

func (a Args) domains() []string {
	if a.DomainName == "" {
		return nil
	}
	return []string{a.DomainName}
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
	p.ClusterName = kube.Name
	if err := p.inCluster(ctx, kube); err != nil {
		return err
	}
	gatewayArgs := p.parts.gateway
	gatewayArgs.VpcID, gatewayArgs.SubnetIDs = net.VpcID, net.PrivateSubnetIDs
	gatewayArgs.Nodes = gateway.Nodes{
		SecurityGroupID: kube.NodeSecurityGroupID, AutoScalingGroup: kube.AutoScalingGroup, NodePort: p.parts.proxy.NodePort,
	}
	published, err := gateway.New(ctx, p.name, &gatewayArgs, child)
	if err != nil {
		return err
	}
	p.Endpoint, p.RestAPIID, p.StageName = published.Endpoint, published.RestAPIID, published.StageName
	p.VpcLinkID, p.NLBDNSName = published.VpcLinkID, published.NLBDNSName
	p.DomainTarget = published.DomainTarget
	p.ClientAccessKeyID, p.ClientSecretAccessKey = published.ClientAccessKeyID, published.ClientSecretAccessKey
	return nil
}

func (p *Platform) inCluster(ctx *pulumi.Context, kube *cluster.Cluster) error {
	inCluster := []pulumi.ResourceOption{pulumi.Parent(p), pulumi.Provider(kube.Kubernetes)}
	roleArgs := p.parts.role
	roleArgs.Cluster = podrole.ClusterIdentity{
		OIDCProviderARN: kube.OIDCProviderARN, OIDCIssuer: kube.OIDCIssuer, NodeRoleARN: kube.NodeRoleARN, NodeRoleName: kube.NodeRoleName,
	}
	role, err := podrole.New(ctx, p.name, &roleArgs, inCluster...)
	if err != nil {
		return err
	}
	p.PodRoleARN = role.RoleARN

	namespaces, err := p.namespaces(ctx, inCluster)
	if err != nil {
		return err
	}
	// Pods have nowhere to run before the nodes exist.
	onNodes := append(slices.Clone(inCluster), pulumi.DependsOn([]pulumi.Resource{kube.Nodes}))
	var services []pulumi.Resource
	for _, s := range p.parts.args.Services {
		if s.Image == "" {
			continue
		}
		args := s.workload()
		args.Namespace = namespaces[s.namespace()]
		backend, err := workload.New(ctx, p.name+"-"+s.Name, args, onNodes...)
		if err != nil {
			return err
		}
		services = append(services, backend.Service())
	}
	proxyArgs := p.parts.proxy
	proxyArgs.Namespace = namespaces[proxyNamespace]
	// NGINX does not start while a name in its configuration cannot be resolved.
	_, err = proxy.New(ctx, p.name+"-proxy", &proxyArgs, append(onNodes, pulumi.DependsOn(services))...)
	return err
}

// namespaces maps the name of each namespace in use to the namespace, made where it is the platform's to make.
func (p *Platform) namespaces(ctx *pulumi.Context, opts []pulumi.ResourceOption) (map[string]pulumi.StringInput, error) {
	made := map[string]pulumi.StringInput{defaultNamespace: pulumi.String(defaultNamespace)}
	wanted := []string{proxyNamespace}
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
			Labels: pulumi.StringMap{"pod-security.kubernetes.io/enforce": pulumi.String("restricted")},
		}}, opts...)
		if err != nil {
			return nil, err
		}
		made[name] = namespace.Metadata.Name().Elem()
	}
	return made, nil
}
