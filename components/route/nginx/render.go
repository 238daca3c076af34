// Package nginx renders a table of routes as the configuration of the reverse proxy.
package nginx

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
)

// mainConfig is everything around what depends on routes. nginx 1.22 and later read it, and all else but ResolverFile. Paths
// that nginx writes are under /tmp, because the root file system is read-only. The number of workers is fixed: on a node with
// many cores "auto" starts more than the pod's memory holds, and two can do more than API Gateway lets an account send. Compiled
// patterns take a fifth of the CPU time of a request away: https://nginx.org/en/docs/ngx_core_module.html#pcre_jit
const mainConfig = `worker_processes 2;
pcre_jit on;
pid /tmp/nginx.pid;
error_log /dev/stderr warn;

events {
    worker_connections 4096;
}

http {
    log_format json escape=json
        '{"time":"$time_iso8601","requestId":"$http_x_request_id","client":"$remote_addr",'
        '"method":"$request_method","path":"$asked","status":$status,"bytes":$body_bytes_sent,'
        '"duration":$request_time,"upstream":"$upstream_addr","upstreamStatus":"$upstream_status",'
        '"upstreamHeader":"$upstream_header_time"}';
    access_log /dev/stdout json buffer=32k flush=1s;

    client_body_temp_path /tmp/client_body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;

    server_tokens off;
    merge_slashes off;
    absolute_redirect off;
    default_type application/json;
    client_max_body_size 10m;
    large_client_header_buffers 4 16k;
    keepalive_timeout 360s;
    keepalive_requests 100000;
    map_hash_bucket_size 512;
    proxy_headers_hash_max_size 2048;
    proxy_headers_hash_bucket_size 128;

    set_real_ip_from 10.0.0.0/8;
    set_real_ip_from 172.16.0.0/12;
    set_real_ip_from 192.168.0.0/16;
    set_real_ip_from 100.64.0.0/10;
    set_real_ip_from 127.0.0.0/8;
    real_ip_header X-Apigw-Client-Ip;

    # A dollar sign in a text is not a variable.
    geo $dollar {
        default "$";
    }

    # The name that the client called.
    map $http_x_forwarded_host $called_host {
        "" $http_host;
        default $http_x_forwarded_host;
    }

    # A port that does not go without saying.
    map $http_x_forwarded_port $called_port {
        "" "";
        80 "";
        443 "";
        default ":$http_x_forwarded_port";
    }

    # NGINX itself answers 502 when it reaches no pod of a service as well as when a pod's answer is none.
    map $upstream_connect_time $connected {
        "~[0-9]" 1;
    }

    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $called_host$called_port;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Prefix $prefix;
    proxy_set_header X-Request-Id $http_x_request_id;
    proxy_request_buffering off;
    proxy_max_temp_file_size 0;
    # API Gateway takes 10,240 bytes of headers.
    proxy_buffer_size 16k;
    proxy_buffers 4 16k;
    proxy_busy_buffers_size 32k;
    # By these a service would tell NGINX what to do, for example to ask another service.
    proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;
    proxy_connect_timeout 5s;
    proxy_read_timeout 30s;
    proxy_send_timeout 30s;

%s    server {
        listen %d;
        server_name healthz;
        access_log off;

        location = /healthz {
            return 200 '{"status":"ok"}';
        }

        location / {
            return 404;
        }
    }

    server {
        listen %d default_server;
        server_name _;
        set $own "";
        set $own_access "";

%s        if ($misread) {
            return 400 '{"message":"Bad Request","requestId":"$http_x_request_id"}';
        }

%s    }
}
`

// Options are what the configuration says besides the routes.
type Options struct {
	// Port is where NGINX listens for requests.
	Port int
	// PassHeaders are names of headers that services get although NGINX would clear them, see Cleared, or ignore them for a dot
	// or an underscore in their names, for which the API's document must carry them.
	PassHeaders []string
	// OriginsFile is where NGINX finds the proofs of origin that it accepts, as entries of a map. Requests without one of
	// them are refused with 403. Empty accepts everybody.
	OriginsFile string
	// Paths says which are refused. Default PathsByAccess.
	Paths Paths
	// Redirects says what becomes of them, and of cookies. Default RedirectsRewritten.
	Redirects Redirects
	// ResolverFile is where NGINX finds a directive that names its DNS servers. With it NGINX takes up other addresses of
	// Services while it runs, which FollowsNames must say of its version. Empty resolves names once, when NGINX starts.
	ResolverFile string
}

// Paths are a choice of those that NGINX refuses with 400, before any service.
type Paths string

// PathsByAccess are those that some service could read as a path of another access class, and those with dot segments, which
// could lead out of what is published. PathsStrict are all that can be read in more than one way.
const (
	PathsByAccess Paths = "access"
	PathsStrict   Paths = "strict"
)

// Check says whether there is such a choice.
func (p Paths) Check() error {
	if p != "" && p != PathsByAccess && p != PathsStrict {
		return fmt.Errorf("paths %q is not one of %s and %s", p, PathsByAccess, PathsStrict)
	}
	return nil
}

// Render makes the proxy's whole nginx.conf. An Exact location is tried before a
// Prefix one, and a Prefix matches whole path segments only. Whatever comes from a manifest is an
// argument that is quoted by construction.
func Render(t *route.Table, o Options) []byte {
	n := &writer{table: t, hosts: t.Hosts(), maps: map[string]string{}}
	n.global = append(n.global, o.upstreams(t.Backends())...)
	if len(n.hosts) > 1 {
		n.global = append(n.global, n.hostMap())
	}
	decided := t.Locations()
	n.global = append(n.global, o.origins()...)
	n.global = append(n.global, o.headers()...)
	n.global = append(n.global, o.Redirects.directives()...)
	n.global = append(n.global, pathMaps(decided, o.Paths)...)
	n.global = append(n.global, backendMaps(t.Backends())...)
	var locations []directive
	root := false
	for _, l := range decided {
		locations = append(locations, n.location(l))
		root = root || l.Path == "/" && l.Below
	}
	if !root {
		locations = append(locations, directive{"location", []argument{raw("/")}, toBackend()})
	}
	return fmt.Appendf(nil, mainConfig, write(n.global, 1), route.HealthPort, o.Port, write(append(failures(), o.refuseStrangers()...), 2),
		write(locations, 2))
}

// missing is the upstream of a Service that does not exist. NGINX would not start with its name; with no server that is up
// it has nobody to ask, which failures answers with 503.
func missing(b route.Backend) directive {
	return directive{"upstream", []argument{raw(b.Name())}, []directive{{"server", []argument{raw("127.0.0.1"), raw("down")}, nil}}}
}

// writer collects what stands outside of the server: upstreams and maps, each map once.
type writer struct {
	table  *route.Table
	hosts  []string
	global []directive
	maps   map[string]string
}

// hostMap turns the called name into the host of a rule; exact names are found before patterns.
func (n *writer) hostMap() directive {
	entries := []directive{{"default", []argument{text("")}, nil}}
	for _, host := range n.hosts[1:] {
		key := mapKey(host)
		if suffix, wildcard := strings.CutPrefix(host, "*"); wildcard {
			key = literal(`~^[^.]+` + regexp.QuoteMeta(suffix) + `$`)
		}
		entries = append(entries, directive{"", []argument{key, text(host)}, nil})
	}
	return directive{"map", []argument{raw("$called_host"), raw("$rule_host")}, entries}
}

func (n *writer) location(l route.Location) directive {
	block := []directive{
		{"set", []argument{raw("$own"), literal(n.upstream(l))}, nil},
		{"set", []argument{raw("$own_access"), raw(l.Access)}, nil},
	}
	behavior := l.First.Behavior
	if behavior.MaxBodySize != route.MaxBodySize {
		block = append(block, directive{"client_max_body_size", []argument{raw(strconv.Itoa(behavior.MaxBodySize))}, nil})
	}
	block = append(block, n.refuseTypes(l.Resource)...)
	headers := n.headers(behavior)
	if behavior.CORS != nil {
		block = append(block, preflight(*behavior.CORS, headers))
		for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"} {
			block = append(block, directive{"proxy_hide_header", []argument{raw(name)}, nil})
		}
	}
	block = append(append(block, headers...), toBackend()...)
	if l.Below {
		return directive{"location", []argument{literal(strings.TrimSuffix(l.Path, "/") + "/")}, block}
	}
	return directive{"location", []argument{raw("="), literal(l.Path)}, block}
}

// toBackend sends a request where API Gateway and this table want it to go, with the path that the client asked for.
func toBackend() []directive {
	return []directive{
		{"if", []argument{raw(`($backend = "")`)}, []directive{refusal(404, "no route")}},
		{"proxy_pass", []argument{raw("http://$backend$path$is_args$args")}, nil},
	}
}

// upstream is the name of a location's upstream, or a variable that holds it where hosts or a slash at the end make a
// difference. It is empty where nothing decides.
func (n *writer) upstream(l route.Location) string {
	name := ""
	distinct := map[string]bool{}
	var entries []directive
	add := func(key string, r *route.Route) {
		name = ""
		if r != nil {
			name = r.Backend.Name()
		}
		distinct[name] = true
		entries = append(entries, directive{"", []argument{mapKey(key), text(name)}, nil})
	}
	for _, host := range n.hosts {
		add(host, l.ByHost[host])
		if l.TrailingSlash != nil {
			add(host+"/", l.TrailingSlash[host])
		}
	}
	if len(distinct) == 1 {
		return name
	}
	source := ""
	if len(n.hosts) > 1 {
		source = "$rule_host"
	}
	if l.TrailingSlash != nil {
		source += "$slash"
	}
	return n.variable("$upstream", source, entries)
}

// variable makes a map, or finds one with the same entries.
func (n *writer) variable(prefix, source string, entries []directive) string {
	key := prefix + source + write(entries, 0)
	if n.maps[key] == "" {
		n.maps[key] = fmt.Sprintf("%s_%d", prefix, len(n.maps))
		n.global = append(n.global, directive{"map", []argument{raw(source), raw(n.maps[key])}, entries})
	}
	return n.maps[key]
}

// headers are those of every answer of a location. NGINX hands them down to a block only where that has none of its own, so
// a block with further headers starts from these.
func (n *writer) headers(b route.Behavior) []directive {
	if b.CORS == nil {
		return nil
	}
	headers := []directive{header("Access-Control-Allow-Origin", raw(n.allowedOrigin(*b.CORS))), header("Vary", raw("Origin"))}
	if b.CORS.Credentials {
		headers = append(headers, header("Access-Control-Allow-Credentials", raw("true")))
	}
	return headers
}

func header(name string, value argument) directive {
	return directive{"add_header", []argument{raw(name), value, raw("always")}, nil}
}

// allowedOrigin is a variable with the origin of a request, if it may call. A header with an empty value is not sent.
func (n *writer) allowedOrigin(c route.CORS) string {
	entries := []directive{{"default", []argument{text("")}, nil}}
	for _, origin := range c.Origins {
		if origin == "*" {
			entries = []directive{{"default", []argument{text("*")}, nil}}
			break
		}
		entries = append(entries, directive{"", []argument{mapKey(origin), text(origin)}, nil})
	}
	return n.variable("$cors_origin", "$http_origin", entries)
}

// preflight answers a browser's question whether it may call.
func preflight(c route.CORS, headers []directive) directive {
	answer := append(slices.Clone(headers),
		header("Access-Control-Allow-Methods", text(strings.Join(c.Methods, ", "))),
		header("Access-Control-Allow-Headers", text(strings.Join(c.Headers, ", "))),
		header("Access-Control-Max-Age", raw(strconv.Itoa(int(c.MaxAge.Seconds())))),
		directive{"return", []argument{raw("204")}, nil})
	return directive{"if", []argument{raw("($request_method = OPTIONS)")}, answer}
}
