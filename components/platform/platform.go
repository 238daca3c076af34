// Package platform publishes Kubernetes services through Amazon API Gateway, from manifests to endpoint:
//
//	client --SigV4--> REST API + stage --VPC link--> NLB --NodePort--> NGINX --> services
//
// Platform declares the whole chain: a VPC, an EKS cluster with its nodes, the services, the NGINX proxy,
// the load balancer, the VPC link and the API, and the AWS role for pods that manage them. Each part is a
// component of its own and can be used alone.
//
//	manifests, err := ingress.Read([]string{"ingress.yaml"}, nil)
//	…
//	p, err := platform.New(ctx, "shop", &platform.Args{
//		Manifests: manifests,
//		Services:  []platform.Service{{Name: "bookservice", Spec: platform.Spec{Image: image, Port: 80}}},
//		Gateway:   gateway.Settings{Access: gateway.Access{ClientUser: true}},
//	})
//	ctx.Export("endpoint", p.Endpoint)
package platform

import (
	"cmp"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/apigateway-ingress/apigateway-ingress/components/cluster"
	"github.com/apigateway-ingress/apigateway-ingress/components/encryption"
	"github.com/apigateway-ingress/apigateway-ingress/components/gateway"
	"github.com/apigateway-ingress/apigateway-ingress/components/iamrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/location"
	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/origin"
	"github.com/apigateway-ingress/apigateway-ingress/components/podrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/proxy"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/refgrant"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/apigateway-ingress/apigateway-ingress/components/workload"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const typeToken = "apigateway-ingress:platform:Platform"

// Args describe the platform. Zero values mean the defaults of the parts.
type Args struct {
	// Profile is how much is protected that costs money or effort. hardened sets what AWS's Foundational Security Best
	// Practices and CIS ask for wherever nothing else is set: see the keys of which hardened is told. `apigw-ingress check`
	// prints what holds.
	Profile Profile `pulumi:"profile,optional" default:"standard" enum:"standard,hardened"`
	// ProfileExceptions are config keys that keep the value false or none although the profile would set them. Keys that a
	// stack's file sets are kept in any case.
	ProfileExceptions []string `pulumi:"profileExceptions,optional"`
	// Encryption is a KMS key of the stack's own.
	Encryption encryption.Settings `pulumi:"encryption,optional" config:",inline"`
	// Location is where in AWS the platform stands. Default that of the AWS provider.
	Location location.Location `pulumi:"location,optional" config:"-"`
	// Manifests hold the routes; their annotations supply what the fields below leave open. One Ingress at least.
	Manifests ingress.Manifests
	// Fragments say what requests must look like.
	Fragments []route.Fragment
	// Group serves only the Ingresses whose annotation group.name says this; by default all of them must be of one group.
	Group string `pulumi:"group,optional"`
	// OwnerNamespace is the namespace whose annotations about the whole API count. Without it that is the namespace of the
	// Ingresses, where all are of one.
	OwnerNamespace string `pulumi:"ownerNamespace,optional"`
	// AllowNamespaceOverlaps lets a namespace have routes that take requests from another one's.
	AllowNamespaceOverlaps bool `pulumi:"allowNamespaceOverlaps,optional"`
	// Classless serves Ingresses without a class as well. By default they are served only where the manifests hold an
	// IngressClass apigateway that is marked as the default.
	Classless bool `pulumi:"classless,optional"`
	// IgnoreForeignAnnotations lets Ingresses pass whose annotations of other controllers decide who gets in. They have no
	// effect here.
	IgnoreForeignAnnotations bool `pulumi:"ignoreForeignAnnotations,optional"`
	// Authorizers are authorizers that routes may name in the annotation auth.
	Authorizers []route.Authorizer `pulumi:"authorizers,optional"`
	// APIResourceQuota is the number of resources that AWS allows in a REST API, for accounts whose quota was raised.
	APIResourceQuota int `pulumi:"apiResourceQuota,optional" default:"300" range:"1..100000"`
	// Grants are the owner's consent to requests that come to services through other gateways on the cluster.
	Grants []refgrant.Grant
	// Hosts is which domains the hosts of the routes get, besides those that are declared. auto makes one wildcard domain for all
	// hosts beside each other, each one for every host; both with a certificate and DNS records in the hosted zone. A
	// wildcard is one API's in an account and region: where several stacks have hosts beside each other, take each.
	Hosts HostDomains `pulumi:"hosts,optional" default:"declared" enum:"declared,auto,each"`
	// HostedZones are the Route 53 zones of these hosts, with their names, where hostedZoneId alone does not hold all of them.
	HostedZones []HostedZone `pulumi:"hostedZones,optional"`
	// Services are the backends of the routes. Without an image the Service must exist, and where another stack made it, a
	// ReferenceGrant among that one's manifests must name this stack's proxy: from the kind Ingress in the namespace
	// NAME-proxy.
	Services []Service `pulumi:"services,optional"`
	// ExistingNamespaces are namespaces of services with an image that are there already. They are used as they are, and stay
	// when the stack goes. All others are made.
	ExistingNamespaces []string `pulumi:"existingNamespaces,optional"`
	// Network is the VPC, a new one or one that is there already.
	Network network.Settings `pulumi:"network,optional" config:",inline"`
	// Cluster is the EKS cluster, a new one or one that is there already.
	Cluster cluster.Settings `pulumi:"cluster,optional" config:",inline"`
	// PodRole is the AWS role of pods that manage the gateway.
	PodRole podrole.Settings `pulumi:"podRole,optional" config:",inline"`
	// Proxy is NGINX. Its fields win over annotations.
	Proxy proxy.Settings `pulumi:"proxy,optional" config:",inline"`
	// ProxyName is the name of the proxy's namespace and of its Service; several platforms may share a cluster. Default the
	// platform's name in lower case with -proxy. Kubernetes cannot rename either: keep it when you rename the platform.
	ProxyName string `pulumi:"proxyName,optional" config:"-"`
	// Gateway is the API and what stands before it. Its fields win over annotations. Its client ARNs may call every route,
	// those of an Ingress the routes of the Ingress.
	Gateway gateway.Settings `pulumi:"gateway,optional" config:",inline"`
	// OpenPods leaves the pods reachable from the whole cluster. By default NetworkPolicies let in the chain alone: the
	// load balancer to the proxy, and the proxy to the services that the platform makes.
	OpenPods bool `pulumi:"openPods,optional" config:"-"`
	// Origin is the proof by which the proxy knows that requests come through the API.
	Origin origin.Settings `pulumi:"origin,optional" config:",inline"`
	// IAM is how the roles and the user of all parts are made: under which path, and within which permissions boundary.
	IAM iamrole.Settings `pulumi:"iam,optional" config:",inline"`
	// CertificateProvider is AWS's provider for us-east-1: see gateway.Args.
	CertificateProvider pulumi.ProviderResource
	// Tags are tags of every AWS resource.
	Tags pulumi.StringMapInput `pulumi:"tags,optional"`
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
	// VPCEndpointID is the endpoint that was made for a PRIVATE API, which others in the VPC may name; empty without one.
	VPCEndpointID pulumi.StringOutput `pulumi:"vpcEndpointId"`
	// DeploymentID is the newest deployment, for a later canary or a way back.
	DeploymentID pulumi.IDOutput `pulumi:"deploymentId"`
	// APIKeys are the values of the usage plans' keys by name, secret.
	APIKeys pulumi.StringMapOutput `pulumi:"apiKeys"`
	// DomainTarget is where a DNS record for the domain name must point; empty without a domain.
	DomainTarget pulumi.StringOutput `pulumi:"domainTarget"`
	// DomainTargets are the same for each of the API's domain names, those of hosts included.
	DomainTargets pulumi.StringMapOutput `pulumi:"domainTargets"`
	// ClientAccessKeyID and ClientSecretAccessKey belong to the client user; empty without one. The second is secret.
	ClientAccessKeyID     pulumi.StringOutput `pulumi:"clientAccessKeyId"`
	ClientSecretAccessKey pulumi.StringOutput `pulumi:"clientSecretAccessKey"`

	// Location is where the platform stands.
	Location location.Location
	// Network, Cluster, Gateway and Proxy are the parts, and PodRole where there is one. ProxyNamespace is where the proxy
	// runs. A second gateway on the same cluster takes Network.VPC(), Cluster.Nodes() and Cluster.Kubernetes.
	Network        *network.Network
	Cluster        *cluster.Cluster
	Gateway        *gateway.Gateway
	Proxy          *proxy.Proxy
	PodRole        *podrole.PodRole
	ProxyNamespace pulumi.StringInput

	name  string
	parts parts
	// existing are the Services that were found in an existing cluster, with their ports.
	existing pulumi.StringMap
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

// Validate reports every problem of the arguments, of all parts and all manifests together. What only AWS can tell is
// taken for good.
func (a Args) Validate(name string) error {
	_, err := a.plan(name)
	return err
}

// plan spreads the arguments over the parts, and puts in the defaults. Fields win over annotations.
func (a Args) plan(name string) (parts, error) {
	var p settings.Problems
	p.Add(a.harden())
	routes, err := a.Routes()
	p.Add(err)
	var said route.Settings
	if routes != nil {
		said = routes.Settings
	}
	a.annotated(said)
	settings.Complete(&a)
	plan := parts{args: a, routes: routes}
	plan.network, err = network.Args{Settings: a.Network, LogKMSKeyARN: a.Gateway.Stage.LogKMSKeyARN, Location: a.Location, IAM: a.IAM,
		Tags: a.Tags}.Complete()
	p.In("Network", err)
	plan.cluster, err = cluster.Args{Settings: a.Cluster, Location: a.Location, NetworkPolicies: !a.OpenPods, IAM: a.IAM,
		Tags: a.Tags}.Complete()
	p.In("Cluster", err)
	plan.role, err = podrole.Args{Settings: a.PodRole, Location: a.Location, IAM: a.IAM, Tags: a.Tags}.Complete()
	p.In("PodRole", err)
	plan.proxy, err = proxy.Args{Settings: a.Proxy, Routes: routes,
		ServiceName: cmp.Or(a.ProxyName, strings.ToLower(name)+"-proxy")}.Complete(name)
	p.In("Proxy", err)
	plan.gateway, err = gateway.Args{
		Settings: a.withHosts(routes, &p), Routes: routes, PassHeaders: a.Proxy.PassHeaders, Location: a.Location, IAM: a.IAM,
		CertificateProvider: a.CertificateProvider, Tags: a.Tags,
	}.Complete(name)
	p.In("Gateway", err)
	plan.cluster.Addons = slices.Clone(a.Cluster.Addons)
	plan.require(cluster.PodIdentityAgent, plan.role.Mode == podrole.PodIdentity)
	plan.require(cluster.MetricsServer, len(a.autoscaled()) > 0)
	p.Add(settings.Check(a))
	a.checkServices(&p)
	a.checkNamespaces(&p)
	a.checkEndpoints(&p)
	a.checkImages(&p)
	a.checkTags(&p)
	a.checkExisting(&p)
	return plan, p.Err()
}

// checkEndpoints: a VPC has one endpoint with private DNS for a service:
// https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html
func (a Args) checkEndpoints(p *settings.Problems) {
	p.When(a.Gateway.Endpoint.CreateVPCEndpoint && slices.Contains(a.Network.InterfaceEndpoints, "execute-api"),
		"{Network.InterfaceEndpoints} execute-api and {Gateway.Endpoint.CreateVPCEndpoint} would make two endpoints with the same private "+
			"names: take one away, or name endpoints that exist in {Gateway.Endpoint.VPCEndpointIDs}")
}

// require has a new cluster get an add-on that something else needs.
func (p *parts) require(addon string, needed bool) {
	if needed && !slices.ContainsFunc(p.cluster.Addons, func(a cluster.Addon) bool { return a.Name == addon }) {
		p.cluster.Addons = append(p.cluster.Addons, cluster.Addon{Name: addon})
	}
}

// checkExisting: a cluster stands in a VPC, so an existing one takes an existing VPC; and its roles are not ours.
func (a Args) checkExisting(p *settings.Problems) {
	existing := a.Cluster.Existing
	if existing == nil {
		return
	}
	p.When(a.Network.Existing == nil, "{Cluster.Existing} without {Network.Existing.ID}: name the cluster's VPC and its private subnets")
	p.When(a.PodRole.Mode == podrole.Kube2IAM,
		"{PodRole.Mode} kube2iam changes the role of the nodes, which in an existing cluster is not the stack's: choose irsa, podIdentity "+
			"or none")
	name, _ := settings.Known(existing.Name)
	p.When(len(existing.Nodes.AutoScalingGroups) == 0 && a.Gateway.Balancer.TargetType != gateway.IP,
		"cluster %s has no managed node group, and nothing else registers nodes with the load balancer: set {Gateway.Balancer.TargetType} ip, "+
			"which takes the AWS Load Balancer Controller in the cluster", name)
	p.When(existing.OIDCProviderARN == nil && a.PodRole.Mode == podrole.IRSA,
		"{PodRole.Mode} irsa: IAM has no OIDC provider for cluster %s: make one, or choose podIdentity or none", name)
}

const defaultNamespace = "default"

// New declares the platform. Nothing of it is made unless all arguments are valid.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Platform, error) {
	if args == nil {
		args = &Args{}
	}
	a := *args
	planned, err := a.plan(name)
	if err != nil {
		return nil, settings.Named("platform", name, err)
	}
	for _, notice := range slices.Concat(planned.routes.Notices, planned.notices()) {
		if err := ctx.Log.Warn(notice, nil); err != nil {
			return nil, err
		}
	}
	p := &Platform{name: name}
	guard, err := change.Guard(ctx, typeToken, name, mayChange)
	if err != nil {
		return nil, err
	}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, settings.Inputs(planned.args), p, append(opts, guard)...); err != nil {
		return nil, err
	}
	if a.Location, err = a.Location.Resolve(ctx, pulumi.Parent(p)); err == nil {
		p.Location = a.Location
		// Some rules depend on the region.
		p.parts, err = a.plan(name)
	}
	if err != nil {
		return nil, settings.Named("platform", name, err)
	}
	if err := p.declare(ctx); err != nil {
		return nil, settings.Named("platform", name, err)
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
		"vpcEndpointId":         p.VPCEndpointID,
		"privateSubnetIds":      p.PrivateSubnetIDs,
		"deploymentId":          p.DeploymentID,
		"apiKeys":               p.APIKeys,
		"domainTarget":          p.DomainTarget,
		"domainTargets":         p.DomainTargets,
		"clientAccessKeyId":     p.ClientAccessKeyID,
		"clientSecretAccessKey": p.ClientSecretAccessKey,
		// Waiting for them is what lets a Service that is not as it should be fail the preview.
		"existingServices": p.existing,
	})
}

func (p *Platform) declare(ctx *pulumi.Context) error {
	child := pulumi.Parent(p)
	if err := p.encryption(ctx); err != nil {
		return err
	}
	net, err := network.New(ctx, p.name, &p.parts.network, child)
	if err != nil {
		return settings.In("Network", err)
	}
	clusterArgs := p.parts.cluster
	clusterArgs.Network = net.VPC()
	kube, err := cluster.New(ctx, p.name, &clusterArgs, child)
	if err != nil {
		return settings.In("Cluster", err)
	}
	p.Network, p.Cluster, p.ClusterName = net, kube, kube.Name
	namespaces, err := p.namespaces(ctx, pulumi.Parent(p), pulumi.Provider(kube.Kubernetes))
	if err != nil {
		return err
	}
	p.ProxyNamespace = namespaces[p.parts.proxy.ServiceName]
	p.parts.proxy.Namespace, p.parts.proxy.Nodes = p.ProxyNamespace, kube.Nodes()
	proof, err := origin.New(ctx, p.name, &origin.Args{Settings: p.parts.args.Origin}, child)
	if err != nil {
		return err
	}
	p.parts.gateway.Origin, p.parts.proxy.Origins = proof.Current, proof.Accepted()
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
	args.Network, args.Target = net.VPC(), p.parts.proxy.Target(kube.Kubernetes)
	published, err := gateway.New(ctx, p.name, &args, pulumi.Parent(p))
	if err != nil {
		return settings.In("Gateway", err)
	}
	p.Gateway = published
	p.Endpoint, p.RestAPIID, p.StageName = published.Endpoint, published.RestAPIID, published.StageName
	p.VpcLinkID, p.NLBDNSName = published.VpcLinkID, published.NLBDNSName
	p.VPCEndpointID = published.VPCEndpointID
	p.DomainTarget, p.DomainTargets = published.DomainTarget, published.DomainTargets
	p.DeploymentID, p.APIKeys = published.DeploymentID, published.APIKeys
	p.ClientAccessKeyID, p.ClientSecretAccessKey = published.ClientAccessKeyID, published.ClientSecretAccessKey
	return nil
}

// Domains are the API's own names, those of hosts included.
func (p *Platform) Domains() []gateway.DomainName { return p.parts.gateway.Names() }

func (p *Platform) inCluster(ctx *pulumi.Context, net *network.Network, kube *cluster.Cluster,
	namespaces map[string]pulumi.StringInput) error {
	inCluster := []pulumi.ResourceOption{pulumi.Parent(p), pulumi.Provider(kube.Kubernetes)}
	if err := p.podRole(ctx, kube, inCluster); err != nil {
		return err
	}
	// Pods have nowhere to run before the nodes exist.
	onNodes := append(slices.Clone(inCluster), pulumi.DependsOn(kube.NodeGroups))
	services, err := p.existingServices(ctx, inCluster)
	if err != nil {
		return err
	}
	for _, s := range p.parts.args.Services {
		if s.Image == nil {
			continue
		}
		args := s.workload()
		args.Namespace = namespaces[s.namespace()]
		args.Traffic = p.toService(s)
		name, formerly := p.parts.args.childName(p.name, s)
		backend, err := workload.New(ctx, name, args, append(slices.Clone(onNodes), formerly...)...)
		if err != nil {
			return err
		}
		services = append(services, backend.Service())
	}
	proxyArgs := p.parts.proxy
	proxyArgs.Traffic = p.throughProxy(net)
	// NGINX does not start while a name in its configuration cannot be resolved.
	p.Proxy, err = proxy.New(ctx, p.name+"-proxy", &proxyArgs, append(onNodes, pulumi.DependsOn(services))...)
	return settings.In("Proxy", err)
}

func (p *Platform) podRole(ctx *pulumi.Context, kube *cluster.Cluster, opts []pulumi.ResourceOption) error {
	p.PodRoleARN = pulumi.String("").ToStringOutput()
	roleArgs := p.parts.role
	if roleArgs.Mode == podrole.None {
		return nil
	}
	roleArgs.Cluster = podrole.ClusterIdentity{
		Name: kube.Name, OIDCProviderARN: kube.OIDCProviderARN, OIDCIssuer: kube.OIDCIssuer, NodeRoleARN: kube.NodeRoleARN,
		NodeRoleName: kube.NodeRoleName,
	}
	role, err := podrole.New(ctx, p.name, &roleArgs, opts...)
	if err != nil {
		return settings.In("PodRole", err)
	}
	p.PodRole, p.PodRoleARN = role, role.RoleARN
	return nil
}

// namespaces maps the name of each namespace in use to the namespace, made where it is the platform's to make.
func (p *Platform) namespaces(ctx *pulumi.Context, opts ...pulumi.ResourceOption) (map[string]pulumi.StringInput, error) {
	made := map[string]pulumi.StringInput{defaultNamespace: pulumi.String(defaultNamespace)}
	for _, name := range p.parts.args.ExistingNamespaces {
		made[name] = pulumi.String(name)
	}
	for _, name := range append([]string{p.parts.proxy.ServiceName}, p.parts.args.madeNamespaces()...) {
		namespace, err := corev1.NewNamespace(ctx, p.name+"-"+name, &corev1.NamespaceArgs{Metadata: metav1.ObjectMetaArgs{
			Name:   pulumi.String(name),
			Labels: p.namespaceLabels(name),
		}}, opts...)
		if err != nil {
			return nil, err
		}
		made[name] = namespace.Metadata.Name().Elem()
	}
	return made, nil
}
