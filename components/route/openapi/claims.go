package openapi

import (
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
)

// claims are what API Gateway tells NGINX about a resource. They travel with each request, so that a deployment and NGINX pods
// of different generations answer as one of the two would.
type claims struct {
	access, backends string
	// verified is what API Gateway has verified about the caller.
	verified []string
}

// noClaim stands where there is nothing to say: API Gateway does not set a header to nothing, and would let a client's pass.
const noClaim = "-"

// maxBackends bounds a header: requests to a backend with all their headers must stay below 10,240 bytes.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
const maxBackends = 2048

func claimsOf(t *route.Table, l route.Location) claims {
	hosts := t.Hosts()
	said := claims{access: l.Access, verified: t.Verified(l.First.Behavior),
		backends: strings.Join(append(backends(l.ByHost, hosts, ""), backends(l.TrailingSlash, hosts, "/")...), ",")}
	if l.Uniform {
		said.access += route.AccessUniform
	}
	if len(said.backends) > maxBackends {
		said.backends = noClaim
	}
	return said
}

// backends lists host=backend for each host. That of every other one alone is enough where all have the same.
func backends(byHost map[string]*route.Route, hosts []string, suffix string) []string {
	if byHost == nil {
		return nil
	}
	var list []string
	differ := false
	for _, host := range hosts {
		name := route.NoBackend
		if r := byHost[host]; r != nil {
			name = r.Backend.Name()
		}
		list = append(list, host+suffix+"="+name)
		differ = differ || name != strings.TrimPrefix(list[0], suffix+"=")
	}
	if !differ {
		return list[:1]
	}
	return list
}

// mappings are the headers that carry the claims, and those by which a service knows who called.
func (c claims) mappings() map[string]string {
	const header = "integration.request.header."
	mapped := map[string]string{
		header + route.AccessHeader:   "'" + c.access + "'",
		header + route.BackendsHeader: "'" + c.backends + "'",
		header + route.VerifiedHeader: "'" + strings.Join(c.verified, ",") + "'",
	}
	for _, identity := range route.Identities {
		if slices.Contains(c.verified, identity.Verified) {
			mapped[header+identity.Header] = identity.Source
		}
	}
	return mapped
}
