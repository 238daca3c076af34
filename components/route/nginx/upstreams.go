package nginx

import (
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
)

const (
	// servicesZone is the memory that NGINX's workers share for the addresses of all Services: zoneBase kilobytes, and zoneShare
	// for each, with room for the pods of a headless one.
	servicesZone = "services"
	zoneBase     = 64
	zoneShare    = 8
)

// upstreams are the backends. One whose name DNS does not know, or which has no pod, answers 503 for its own routes, and one
// that comes again has its new address, where NGINX follows names: https://nginx.org/en/docs/http/ngx_http_upstream_module.html
func (o Options) upstreams(backends []route.Backend) []directive {
	var list []directive
	if o.ResolverFile != "" && len(backends) > 0 {
		list = append(list, directive{"include", []argument{literal(o.ResolverFile)}, nil},
			directive{"resolver_timeout", []argument{raw("5s")}, nil})
	}
	size := raw(fmt.Sprintf("%dk", zoneBase+zoneShare*len(backends)))
	for _, b := range backends {
		// Where names are followed, one that is missing is found when it comes.
		if b.Missing && (o.ResolverFile == "" || b.Port == 0) {
			list = append(list, missing(b))
			continue
		}
		var block []directive
		server := directive{"server", []argument{raw(fmt.Sprintf("%s:%d", b.Host(), b.Port))}, nil}
		if o.ResolverFile != "" {
			// The size is the same each time.
			block = append(block, directive{"zone", []argument{raw(servicesZone), size}, nil})
			server.arguments = append(server.arguments, raw("resolve"))
		}
		block = append(block, server,
			directive{"keepalive", []argument{raw("64")}, nil},
			// Shorter than what most servers allow, so that it is not they who close a connection that is about to be used.
			directive{"keepalive_timeout", []argument{raw("4s")}, nil})
		list = append(list, directive{"upstream", []argument{raw(b.Name())}, block})
	}
	return list
}
