package nginx

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
)

// Cleared are headers of clients that services never get. Frameworks take them for what a proxy of their own says, and by them
// a client would change the path, the method, the address or the name for which API Gateway let it in.
var Cleared = []string{
	// The path and the method.
	"X-Original-Url", "X-Original-Uri", "X-Rewrite-Url", "X-Http-Method-Override", "X-Http-Method", "X-Method-Override",
	// The client's address.
	"Forwarded", "X-Real-Ip", "X-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "Fastly-Client-Ip", "X-Cluster-Client-Ip",
	"X-Original-Forwarded-For", "X-Original-Remote-Addr", "X-Remote-Ip", "X-Remote-Addr", "X-Originating-Ip", "X-Azure-Clientip",
	// The name that was called.
	"X-Original-Host", "X-Host", "X-Forwarded-Server", "X-Http-Host-Override", "X-Forwarded-Path", "X-Forwarded-Uri",
	// Who called, as other proxies and servers say it.
	"X-Remote-User", "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username", "X-Auth-Request-User",
	"X-Auth-Request-Email", "X-Authenticated-User", "X-Ssl-Client-Verify", "X-Ssl-Client-Cert", "X-Ssl-Client-Dn", "X-Forwarded-Client-Cert",
	"X-Amzn-Oidc-Identity", "X-Amzn-Oidc-Data", "X-Amzn-Oidc-Accesstoken",
}

// CheckPassHeaders wants names of Cleared, or such with a dot or an underscore.
func CheckPassHeaders(names []string) error {
	var problems []error
	for _, name := range names {
		switch {
		case route.IsOddHeader(name):
			problems = append(problems, route.At("passHeaders", route.CheckOddHeader(name, Cleared)))
		case !slices.Contains(Cleared, http.CanonicalHeaderKey(name)):
			problems = append(problems, fmt.Errorf("passHeaders: %q is not cleared: it passes anyway, or is written by API Gateway or NGINX", name))
		}
	}
	return errors.Join(problems...)
}

// own are those by which API Gateway talks to NGINX alone.
var own = []string{route.OriginHeader, route.PathHeader, route.AccessHeader, route.BackendsHeader, route.ClientIPHeader}

// headers clear what no service should believe, and pass on who called where API Gateway has verified it. An API key that
// API Gateway wanted is nobody else's business.
func (o Options) headers() []directive {
	var set []directive
	clear := func(name string) {
		set = append(set, directive{"proxy_set_header", []argument{raw(name), raw(`""`)}, nil})
	}
	for _, name := range own {
		clear(name)
	}
	for _, name := range Cleared {
		if !slices.ContainsFunc(o.PassHeaders, func(passed string) bool { return http.CanonicalHeaderKey(passed) == name }) {
			clear(name)
		}
	}
	for _, name := range o.PassHeaders {
		if carrier := route.CarrierOf(name); route.IsOddHeader(name) {
			clear(carrier)
			set = append(set, directive{"proxy_set_header", []argument{raw(name), raw("$http" + variableOf(carrier))}, nil})
		}
	}
	var maps []directive
	for _, identity := range route.Identities {
		variable := variableOf(identity.Header)
		maps = append(maps, mapOf("$http_x_apigw_verified", "$true"+variable, entry("~(^|,)"+identity.Verified+"(,|$)", "$http"+variable)))
		set = append(set, directive{"proxy_set_header", []argument{raw(identity.Header), raw("$true" + variable)}, nil})
	}
	maps = append(maps, mapOf("$http_x_apigw_verified", "$api_key", directive{"", []argument{raw("default"), raw("$http_x_api_key")}, nil},
		entry("~(^|,)"+route.VerifiedKey+"(,|$)", "")))
	set = append(set, directive{"proxy_set_header", []argument{raw("X-Api-Key"), raw("$api_key")}, nil})
	return append(maps, set...)
}

// variableOf is the end of the name of nginx's variable for a header.
func variableOf(header string) string {
	name := []byte("_" + header)
	for i, c := range name {
		switch {
		case c == '-':
			name[i] = '_'
		case c >= 'A' && c <= 'Z':
			name[i] = c - 'A' + 'a'
		}
	}
	return string(name)
}
