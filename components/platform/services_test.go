package platform

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/gateway"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/stretchr/testify/require"
)

// Only a root that browsers can open, on an API without a name of its own, leads its pages' links out of the stage.
func TestPublicRootsWithoutADomainAreTold(t *testing.T) {
	told := func(auth route.Auth, path, domain string) []string {
		p := parts{
			routes: &route.Table{Routes: []route.Route{{Path: path, Match: route.Prefix, Behavior: route.Behavior{Auth: auth}}}},
		}
		p.gateway.Stage.Name = "prod"
		if domain != "" {
			p.gateway.Domains = []gateway.DomainName{{Name: domain}}
		}
		return p.notices()
	}
	require.Contains(t, told(route.AuthNone, "/", "")[0], "from /prod/ to /")
	require.Empty(t, told(route.AuthNone, "/api", ""))
	require.Empty(t, told(route.AuthIAM, "/", ""))
	require.Empty(t, told(route.AuthNone, "/", "shop.example.com"))
}
