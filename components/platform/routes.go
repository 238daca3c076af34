package platform

import (
	"cmp"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// annotated fills in what the annotations say and the fields leave open.
func (a *Args) annotated(said route.Settings) {
	if a.Proxy.Image == nil && said.ProxyImage != "" {
		a.Proxy.Image = pulumi.String(said.ProxyImage)
	}
	a.Proxy.Replicas = cmp.Or(a.Proxy.Replicas, said.ProxyReplicas)
	a.Proxy.Port = cmp.Or(a.Proxy.Port, said.ProxyPort)
	if len(a.Proxy.NodeSelector) == 0 {
		a.Proxy.NodeSelector = said.NodeSelector
	}
	g := &a.Gateway
	g.Stage.Name = cmp.Or(g.Stage.Name, said.StageName)
	g.Domain.Name = cmp.Or(g.Domain.Name, said.CustomDomainName)
	if g.Domain.CertificateARN == nil && said.CertificateARN != "" {
		g.Domain.CertificateARN = pulumi.String(said.CertificateARN)
	}
}

// Routes is the table that the Ingresses make with the services and the group of these arguments.
func (a Args) Routes() (*route.Table, error) { return ingress.Compile(a.Manifests, a.RouteOptions()) }

// Judge says of each Ingress what becomes of it with the services and the group of these arguments.
func (a Args) Judge() ingress.Report { return ingress.Judge(a.Manifests, nil, a.RouteOptions()) }

// RouteOptions are those by which Routes and Judge look at Ingresses.
func (a Args) RouteOptions() ingress.Options {
	return ingress.Options{
		Owner: a.OwnerNamespace, AllowOverlaps: a.AllowNamespaceOverlaps, Classless: a.Classless, IgnoreForeign: a.IgnoreForeignAnnotations,
		Services: a.backends(), Undeclared: a.Cluster.Existing != nil, Domains: a.domains(), Group: a.Group, ResourceQuota: a.APIResourceQuota,
		Authorizers: a.Authorizers, Fragments: a.Fragments,
	}
}

// domains are the names to which the API answers.
func (a Args) domains() []string {
	var names []string
	for _, d := range a.Gateway.Names() {
		names = append(names, d.Name)
	}
	if a.Hosts == Auto || a.Hosts == Each {
		names = append(names, a.hostsOf()...)
	}
	return names
}
