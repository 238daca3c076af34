// Package proxy declares the NGINX reverse proxy behind the load balancer: its configuration
// as a ConfigMap and a workload whose Service is a NodePort.
package proxy

import (
	"cmp"
	"errors"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/apigateway-ingress/apigateway-ingress/components/target"
	"github.com/apigateway-ingress/apigateway-ingress/components/workload"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/util/validation"
)

// ServicePort is the Service's port within the cluster.
const ServicePort = 80

const (
	typeToken  = "apigateway-ingress:proxy:Proxy"
	configPath = "/etc/apigw-ingress"
	configFile = "nginx.conf"
	// The proofs of origin are secret and so lie apart from the configuration.
	originsPath = "/etc/apigw-ingress-origins"
	originsFile = "origins.conf"
	// resolverFile names the DNS servers of the pod.
	resolverFile = "/tmp/resolver.conf"
	// nginxUser is the user "nginx" of the official image.
	nginxUser = 101
)

// Settings are what decides about the proxy apart from where it runs. The defaults are the original controller's where
// it had one.
type Settings struct {
	// Image is an NGINX image of 1.22 or later. One of 1.27.3 or later, as its tag says, takes up Services that come and go
	// while it runs, and must have a shell for it; with an older one a missing Service keeps NGINX from starting.
	Image pulumi.StringInput `pulumi:"image,optional" config:"proxyImage" default:"docker.io/library/nginx:1.30.0" annotation:"nginx-image"`
	// Replicas is the number of NGINX pods.
	Replicas int `pulumi:"replicas,optional" config:"proxyReplicas" default:"3" range:"1..1000" annotation:"nginx-replicas"`
	// Port is where NGINX listens in its pod.
	Port int `pulumi:"port,optional" config:"-" default:"8080" range:"1024..65535" annotation:"nginx-service-port"`
	// NodePort is the port of the proxy on every node, 30000 to 32767. Each stack on a cluster needs its own.
	NodePort int `pulumi:"nodePort,optional" default:"30080" range:"30000..32767"`
	// Paths are those that NGINX refuses with 400. access refuses those that a service could read as a path of another
	// access class, strict all that can be read in more than one way.
	Paths nginx.Paths `pulumi:"paths,optional" default:"access" enum:"access,strict"`
	// Redirects and paths of cookies get the stage, or the base path of the domain, in front with rewrite. With pass they stay
	// as the service wrote them, which must know of X-Forwarded-Prefix then.
	Redirects nginx.Redirects `pulumi:"redirects,optional" default:"rewrite" enum:"rewrite,pass"`
	// PassHeaders are headers of clients that services get although NGINX would clear them, X-HTTP-Method-Override for
	// example, or ignore them, which it does where the name has a dot or an underscore. By some of them a client can undo
	// what API Gateway decided.
	PassHeaders []string `pulumi:"passHeaders,optional"`
	// NodeSelector restricts the nodes by label.
	NodeSelector map[string]string `pulumi:"nodeSelector,optional" config:"-" annotation:"node-selector"`
}

// DefaultImage is the NGINX that runs where nobody chose another.
func DefaultImage() string {
	var defaults Settings
	settings.Complete(&defaults)
	return string(defaults.Image.(pulumi.String))
}

// Args describe the proxy.
type Args struct {
	Settings
	// ServiceName is the Service's, a DNS label. Default the component's name in lower case.
	ServiceName string `pulumi:"serviceName,optional"`
	// Origins are the proofs that NGINX accepts of requests that they come through the API; nil lets everybody in who
	// reaches it.
	Origins pulumi.StringArrayInput `pulumi:"origins,optional"`
	// Routes decide which backend gets a request. Required.
	Routes *route.Table
	// Namespace is an existing namespace. Required.
	Namespace pulumi.StringInput `pulumi:"namespace"`
	// Nodes are those of the cluster, for Target.
	Nodes target.Nodes `pulumi:"nodes,optional"`
	// Traffic is what the pods' network lets through; nil makes no NetworkPolicy.
	Traffic *workload.Traffic
}

// Proxy is the running reverse proxy.
type Proxy struct {
	pulumi.ResourceState

	// NodePort is the port on every node.
	NodePort pulumi.IntOutput `pulumi:"nodePort"`
	// ServiceName and Namespace are those of its Service.
	ServiceName pulumi.StringOutput `pulumi:"serviceName"`
	Namespace   pulumi.StringOutput `pulumi:"namespace"`

	target target.Target
}

// Target is the proxy on the nodes that its arguments name, for a gateway.
func (p *Proxy) Target() target.Target { return p.target }

// Target is what New makes of completed arguments, for a gateway that must not wait for the proxy. The provider is
// the cluster's.
func (a Args) Target(kubernetes pulumi.ProviderResource) target.Target {
	return target.Target{Nodes: a.Nodes, NodePort: pulumi.Int(a.NodePort), Pods: target.Pods{
		Kubernetes: kubernetes, Namespace: a.Namespace, ServiceName: pulumi.String(a.ServiceName),
		ServicePort: pulumi.Int(ServicePort), Port: pulumi.Int(a.Port),
	}}
}

func (a Args) workload(mounts []workload.Mount) *workload.Args {
	return &workload.Args{
		ServiceName: a.ServiceName,
		Namespace:   a.Namespace,
		Spec: workload.Spec{
			Image:         a.Image,
			Command:       command,
			Port:          ServicePort,
			ContainerPort: a.Port,
			Health: workload.Health{
				Port: route.HealthPort, LivenessPath: "/healthz", Path: "/healthz", InitialDelaySeconds: firstAddressesSeconds,
			},
			Replicas:     a.Replicas,
			NodeSelector: a.NodeSelector,
		},
		NodePort: a.NodePort,
		Mounts:   mounts,
		User:     nginxUser,
		Traffic:  a.Traffic,
	}
}

// command starts NGINX. The default error log is opened before the configuration is read, hence -e.
var command = []string{
	"/bin/sh", "-c", nameServers + `exec "$0" "$@"`,
	"nginx", "-e", "/dev/stderr", "-c", configPath + "/" + configFile, "-g", "daemon off;",
}

// firstAddressesSeconds is the time that NGINX gets to learn the addresses of its Services: it answers its health check a moment
// before it has them.
const firstAddressesSeconds = 2

// nameServers tells NGINX, which does not read resolv.conf, where the pod's DNS is: not every cluster has a Service for it.
// An answer is good for 5 s, as CoreDNS says of Services, and not longer where another server says so.
const nameServers = `servers=
while read -r word address rest; do
  if test "$word" = nameserver; then
    case $address in *:*:*) servers="$servers [$address]" ;; *) servers="$servers $address" ;; esac
  fi
done < /etc/resolv.conf
echo "resolver$servers valid=5s;" > ` + resolverFile + `
`

// Complete puts in the defaults and reports every problem of the arguments. Whether there are routes and a namespace is
// for New to say.
func (a Args) Complete(name string) (Args, error) {
	settings.Complete(&a)
	a.ServiceName = cmp.Or(a.ServiceName, strings.ToLower(name))
	var p settings.Problems
	p.Add(settings.Check(a))
	p.Add(nginx.CheckPassHeaders(a.PassHeaders))
	if a.Routes != nil {
		p.Add(nginx.Check(a.Routes, a.options("")))
	}
	p.When(a.Port == route.HealthPort, "{Port} %d is taken by the health check: choose another", a.Port)
	if found := validation.IsDNS1035Label(a.ServiceName); len(found) > 0 {
		p.When(true, "{ServiceName} %q is not valid: %s", a.ServiceName, found[0])
	}
	return a, p.Err()
}

func (a Args) missing() error {
	var p settings.Problems
	p.When(a.Routes == nil, "{Routes} is required")
	p.When(a.Namespace == nil, "{Namespace} is required: name an existing namespace")
	return p.Err()
}

// New declares the proxy. The Kubernetes provider comes with opts.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Proxy, error) {
	if args == nil {
		args = &Args{}
	}
	a, err := args.Complete(name)
	if err := errors.Join(a.missing(), err); err != nil {
		return nil, settings.Named("proxy", name, err)
	}
	p := &Proxy{
		NodePort: pulumi.Int(a.NodePort).ToIntOutput(), ServiceName: pulumi.String(a.ServiceName).ToStringOutput(),
		Namespace: a.Namespace.ToStringOutput(),
	}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, settings.Inputs(a), p, opts...); err != nil {
		return nil, err
	}
	p.target = a.Target(p.GetProvider(workload.AnyType))
	// Without a fixed name a change makes a new ConfigMap, and pods roll over to it with no moment in between.
	config, err := corev1.NewConfigMap(ctx, name, &corev1.ConfigMapArgs{
		Metadata: metav1.ObjectMetaArgs{Namespace: a.Namespace.ToStringOutput().ToStringPtrOutput()},
		Data:     pulumi.StringMap{configFile: a.Image.ToStringOutput().ApplyT(a.config).(pulumi.StringOutput)},
	}, pulumi.Parent(p))
	if err != nil {
		return nil, settings.Named("proxy", name, err)
	}
	mounts := []workload.Mount{{Name: "config", ConfigMap: config.Metadata.Name().Elem(), Path: configPath}}
	if a.Origins != nil {
		secret, err := p.origins(ctx, name, a)
		if err != nil {
			return nil, settings.Named("proxy", name, err)
		}
		mounts = append(mounts, workload.Mount{Name: "origins", Secret: secret, Path: originsPath})
	}
	if _, err := workload.New(ctx, name, a.workload(mounts), pulumi.Parent(p)); err != nil {
		return nil, settings.Named("proxy", name, err)
	}
	return p, ctx.RegisterResourceOutputs(p, pulumi.Map{"nodePort": p.NodePort, "serviceName": p.ServiceName, "namespace": p.Namespace})
}

// config is what the NGINX of an image can do.
func (a Args) config(image string) string {
	return string(nginx.Render(a.Routes, a.options(image)))
}

// options are what the configuration says besides the routes, to the NGINX of an image. Without one it is a new NGINX.
func (a Args) options(image string) nginx.Options {
	options := nginx.Options{Port: a.Port, Paths: a.Paths, PassHeaders: a.PassHeaders, Redirects: a.Redirects}
	if a.Origins != nil {
		options.OriginsFile = originsPath + "/" + originsFile
	}
	if nginx.FollowsNames(image) {
		options.ResolverFile = resolverFile
	}
	return options
}

// origins is the name of a Secret with the proofs. Without a fixed name a change makes a new one, as with the configuration.
func (p *Proxy) origins(ctx *pulumi.Context, name string, a Args) (pulumi.StringOutput, error) {
	secret, err := corev1.NewSecret(ctx, name, &corev1.SecretArgs{
		Metadata:   metav1.ObjectMetaArgs{Namespace: a.Namespace.ToStringOutput().ToStringPtrOutput()},
		StringData: pulumi.StringMap{originsFile: a.Origins.ToStringArrayOutput().ApplyT(nginx.Origins).(pulumi.StringOutput)},
	}, pulumi.Parent(p))
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return secret.Metadata.Name().Elem(), nil
}
