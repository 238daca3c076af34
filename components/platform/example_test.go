package platform_test

import (
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/apigateway-ingress/apigateway-ingress/components/gateway"
	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/apigateway-ingress/apigateway-ingress/components/proxy"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/acm"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const exampleManifest = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: books}
spec:
  ingressClassName: apigateway
  rules:
  - http:
      paths:
      - {path: /books, pathType: Prefix, backend: {service: {name: books, port: {number: 80}}}}`

// preview runs a program on mocks, as a unit test does, and prints what it declares of some types.
func preview(program pulumi.RunFunc, tokens ...string) {
	graph := &componenttest.Graph{}
	if err := componenttest.TryRun(graph, program); err != nil {
		fmt.Println(err)
	}
	for _, token := range tokens {
		for _, r := range graph.All(token) {
			fmt.Println(r.Type, r.Name)
		}
	}
}

// A service behind a domain of one's own, with certificate and zone from the same program.
func ExampleNew() {
	program := func(ctx *pulumi.Context) error {
		zone, err := route53.NewZone(ctx, "example.com", nil)
		if err != nil {
			return err
		}
		certificate, err := acm.NewCertificate(ctx, "api", &acm.CertificateArgs{DomainName: pulumi.String("api.example.com")})
		if err != nil {
			return err
		}
		ingresses, err := ingress.Parse("books.yaml", []byte(exampleManifest))
		if err != nil {
			return err
		}
		p, err := platform.New(ctx, "shop", &platform.Args{
			Manifests: ingresses,
			Services:  []platform.Service{{Name: "books", Spec: platform.Spec{Image: pulumi.String("registry.example.com/books:1.0"), Port: 80}}},
			Gateway: gateway.Settings{
				Access: gateway.Access{ClientUser: true},
				Domain: gateway.Domain{Name: "api.example.com", CertificateARN: certificate.Arn, HostedZoneID: zone.ZoneId},
			},
		})
		if err != nil {
			return err
		}
		ctx.Export("endpoint", p.Endpoint)
		return nil
	}
	preview(program, "aws:apigateway/domainName:DomainName", "aws:route53/record:Record", "aws:eks/nodeGroup:NodeGroup")
	// Output:
	// aws:apigateway/domainName:DomainName shop
	// aws:route53/record:Record shop
	// aws:eks/nodeGroup:NodeGroup shop
}

// A second team's gateway on the platform's cluster, with a proxy of its own.
func ExamplePlatform_secondGateway() {
	program := func(ctx *pulumi.Context) error {
		ingresses, err := ingress.Parse("books.yaml", []byte(exampleManifest))
		if err != nil {
			return err
		}
		p, err := platform.New(ctx, "shop", &platform.Args{
			Manifests: ingresses,
			Services:  []platform.Service{{Name: "books", Spec: platform.Spec{Image: pulumi.String("registry.example.com/books:1.0"), Port: 80}}},
			Gateway:   gateway.Settings{Access: gateway.Access{ClientUser: true}},
		})
		if err != nil {
			return err
		}
		routes, err := ingress.Compile(ingresses, ingress.Options{
			Services: []route.Service{{Namespace: "default", Name: "books", Ports: []route.ServicePort{{Number: 80}}}},
		})
		if err != nil {
			return err
		}
		nginx, err := proxy.New(ctx, "team", &proxy.Args{
			Settings: proxy.Settings{NodePort: 30090}, Routes: routes, Namespace: p.ProxyNamespace, Nodes: p.Cluster.Nodes(),
		}, pulumi.Provider(p.Cluster.Kubernetes))
		if err != nil {
			return err
		}
		_, err = gateway.New(ctx, "team", &gateway.Args{
			Settings: gateway.Settings{Access: gateway.Access{ClientUser: true}},
			Routes:   routes, Network: p.Network.VPC(), Target: nginx.Target(),
		})
		return err
	}
	preview(program, "aws:apigateway/restApi:RestApi", "aws:autoscaling/attachment:Attachment")
	// Output:
	// aws:apigateway/restApi:RestApi shop
	// aws:apigateway/restApi:RestApi team
	// aws:autoscaling/attachment:Attachment shop
	// aws:autoscaling/attachment:Attachment team
}
