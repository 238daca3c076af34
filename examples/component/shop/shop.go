// Package shop is what a team might write: the platform with two services, and a second gateway for the partners,
// who get one of them only and with another stage.
package shop

import (
	_ "embed"

	"github.com/apigateway-ingress/apigateway-ingress/components/gateway"
	"github.com/apigateway-ingress/apigateway-ingress/components/origin"
	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/apigateway-ingress/apigateway-ingress/components/proxy"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

//go:embed ingress.yaml
var manifests []byte

var services = []platform.Service{
	{Name: "bookservice", Spec: platform.Spec{Image: pulumi.String("apigateway-ingress/books:dev"), Port: 80}},
	{Name: "authorservice", Spec: platform.Spec{Image: pulumi.String("apigateway-ingress/authors:dev"), Port: 80}},
}

const partnersNodePort = 30090

// Declare is the program.
func Declare(ctx *pulumi.Context) error {
	ingresses, err := ingress.Parse("ingress.yaml", manifests)
	if err != nil {
		return err
	}
	p, err := platform.New(ctx, "shop", &platform.Args{
		Manifests: ingresses,
		Group:     "shop",
		Services:  services,
		Gateway: gateway.Settings{
			Access: gateway.Access{ClientUser: true},
			Stage:  gateway.Stage{Throttle: gateway.Throttle{Rate: 100, Burst: 200}, Metrics: true},
		},
	})
	if err != nil {
		return err
	}
	ctx.Export("apiEndpoint", p.Endpoint)
	ctx.Export("region", pulumi.String(p.Location.Region))
	ctx.Export("clientAccessKeyId", p.ClientAccessKeyID)
	ctx.Export("clientSecretAccessKey", p.ClientSecretAccessKey)
	return partners(ctx, p, ingresses)
}

// partners is a second gateway on the platform's cluster, with an NGINX of its own.
func partners(ctx *pulumi.Context, p *platform.Platform, ingresses ingress.Manifests) error {
	known := []route.Service{{Namespace: "default", Name: "bookservice", Ports: []route.ServicePort{{Number: 80}}}}
	routes, err := ingress.Compile(ingresses, ingress.Options{Group: "partners", Services: known})
	if err != nil {
		return err
	}
	proof, err := origin.New(ctx, "partners", &origin.Args{}, pulumi.DependsOn([]pulumi.Resource{p}))
	if err != nil {
		return err
	}
	nginx, err := proxy.New(ctx, "partners-proxy", &proxy.Args{
		Origins:   proof.Accepted(),
		Namespace: p.ProxyNamespace, Routes: routes, Nodes: p.Cluster.Nodes(), Settings: proxy.Settings{NodePort: partnersNodePort, Replicas: 2},
	}, pulumi.Provider(p.Cluster.Kubernetes), pulumi.DependsOn([]pulumi.Resource{p}))
	if err != nil {
		return err
	}
	published, err := gateway.New(ctx, "partners", &gateway.Args{
		Settings: gateway.Settings{Access: gateway.Access{ClientUser: true}, Stage: gateway.Stage{Name: "v1"}},
		Routes:   routes, Network: p.Network.VPC(), Target: nginx.Target(), Origin: proof.Current,
	})
	if err != nil {
		return err
	}
	ctx.Export("partnersEndpoint", published.Endpoint)
	ctx.Export("partnersAccessKeyId", published.ClientAccessKeyID)
	ctx.Export("partnersSecretAccessKey", published.ClientSecretAccessKey)
	return nil
}
