// Package proxy declares the NGINX reverse proxy behind the load balancer: its configuration
// as a ConfigMap and a workload whose Service is a NodePort.
package proxy

import (
	"errors"
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/components/workload"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Defaults of the proxy, the original controller's where it had one.
const (
	DefaultImage    = "docker.io/library/nginx:1.30.0"
	DefaultReplicas = 3
	DefaultPort     = 8080
	DefaultNodePort = 30080
	// ServicePort is the Service's port within the cluster.
	ServicePort = 80
)

const (
	typeToken  = "apigateway-ingress:proxy:Proxy"
	configPath = "/etc/apigw-ingress"
	configFile = "nginx.conf"
	// nginxUser is the user "nginx" of the official image.
	nginxUser = 101
)

// Settings are what decides about the proxy apart from where it runs.
type Settings struct {
	// Image is an NGINX of 1.22 or later. Default docker.io/library/nginx, a pinned version.
	Image string
	// Replicas is the number of NGINX pods. Default 3.
	Replicas int
	// Port is where NGINX listens in its pod. Default 8080.
	Port int
	// NodePort is where every node accepts requests for NGINX, 30000 to 32767. Default 30080.
	NodePort int
	// Paths says which are refused. Default nginx.PathsByAccess.
	Paths nginx.Paths
	// NodeSelector restricts the nodes by label.
	NodeSelector map[string]string
}

// Args describe the proxy.
type Args struct {
	Settings
	// Name is the Service's, a DNS label.
	Name string
	// Routes decide which backend gets a request.
	Routes *route.Table
	// Namespace is an existing namespace.
	Namespace pulumi.StringInput
	// Traffic is what the pods' network lets through; nil makes no NetworkPolicy.
	Traffic *workload.Traffic
}

// Proxy is the running reverse proxy.
type Proxy struct {
	pulumi.ResourceState

	// NodePort is the port on every node.
	NodePort pulumi.IntOutput `pulumi:"nodePort"`
}

func (a Args) withDefaults() Args {
	if a.Image == "" {
		a.Image = DefaultImage
	}
	if a.Replicas == 0 {
		a.Replicas = DefaultReplicas
	}
	if a.Port == 0 {
		a.Port = DefaultPort
	}
	if a.NodePort == 0 {
		a.NodePort = DefaultNodePort
	}
	return a
}

func (a Args) workload(config *workload.Config) *workload.Args {
	return &workload.Args{
		ServiceName: a.Name,
		Namespace:   a.Namespace,
		Image:       a.Image,
		// The default error log is opened before the configuration is read, hence -e.
		Command:       []string{"nginx", "-e", "/dev/stderr", "-c", configPath + "/" + configFile, "-g", "daemon off;"},
		ContainerPort: a.Port,
		ServicePort:   ServicePort,
		NodePort:      a.NodePort,
		Health:        workload.Health{Port: route.HealthPort, Liveness: "/healthz", Readiness: "/healthz"},
		Replicas:      a.Replicas,
		NodeSelector:  a.NodeSelector,
		Config:        config,
		User:          nginxUser,
		Traffic:       a.Traffic,
	}
}

// Validate reports every problem of the arguments.
func (a Args) Validate() error {
	if a.Port == route.HealthPort {
		return fmt.Errorf("the proxy's port %d is taken by its health check: choose another", a.Port)
	}
	return errors.Join(a.Paths.Check(), a.withDefaults().workload(nil).Validate())
}

// New declares the proxy. The Kubernetes provider comes with opts.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Proxy, error) {
	if err := args.Validate(); err != nil {
		return nil, err
	}
	a := args.withDefaults()
	p := &Proxy{NodePort: pulumi.Int(a.NodePort).ToIntOutput()}
	inputs := pulumi.Map{
		"namespace": a.Namespace,
		"image":     pulumi.String(a.Image),
		"replicas":  pulumi.Int(a.Replicas),
		"port":      pulumi.Int(a.Port),
		"nodePort":  pulumi.Int(a.NodePort),
	}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, inputs, p, opts...); err != nil {
		return nil, err
	}
	// Without a fixed name a change makes a new ConfigMap, and pods roll over to it with no moment in between.
	config, err := corev1.NewConfigMap(ctx, name, &corev1.ConfigMapArgs{
		Metadata: metav1.ObjectMetaArgs{Namespace: a.Namespace.ToStringOutput().ToStringPtrOutput()},
		Data:     pulumi.StringMap{configFile: pulumi.String(nginx.Render(a.Routes, nginx.Options{Port: a.Port, Paths: a.Paths}))},
	}, pulumi.Parent(p))
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", name, err)
	}
	mount := &workload.Config{Name: config.Metadata.Name().Elem(), MountPath: configPath}
	if _, err := workload.New(ctx, name, a.workload(mount), pulumi.Parent(p)); err != nil {
		return nil, fmt.Errorf("proxy %s: %w", name, err)
	}
	return p, ctx.RegisterResourceOutputs(p, pulumi.Map{"nodePort": p.NodePort})
}
