package route

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// HealthPort is where NGINX answers GET /healthz, apart from the port of the routes, so that no route can hide it.
const HealthPort = 8081

// nginxMain is everything around what depends on routes. nginx 1.22 and later read it. Paths that nginx writes
// are under /tmp, because the root file system is read-only. The number of workers is fixed: on a node with many cores
// "auto" starts more than the pod's memory holds, and two can do more than API Gateway lets an account send.
const nginxMain = `worker_processes 2;
pid /tmp/nginx.pid;
error_log /dev/stderr warn;

events {
    worker_connections 4096;
}

http {
    log_format json escape=json
        '{"time":"$time_iso8601","requestId":"$http_x_request_id","client":"$remote_addr",'
        '"method":"$request_method","uri":"$request_uri","status":$status,"bytes":$body_bytes_sent,'
        '"duration":$request_time,"upstream":"$upstream_addr","upstreamStatus":"$upstream_status"}';
    access_log /dev/stdout json buffer=32k flush=1s;

    client_body_temp_path /tmp/client_body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;

    server_tokens off;
    merge_slashes off;
    default_type application/json;
    client_max_body_size 10m;
    large_client_header_buffers 4 16k;
    keepalive_timeout 360s;
    keepalive_requests 100000;
    map_hash_bucket_size 512;

    set_real_ip_from 10.0.0.0/8;
    set_real_ip_from 172.16.0.0/12;
    set_real_ip_from 192.168.0.0/16;
    set_real_ip_from 100.64.0.0/10;
    set_real_ip_from 127.0.0.0/8;
    real_ip_header X-Forwarded-For;

    # A dollar sign in a text is not a variable.
    geo $dollar {
        default "$";
    }

    # The name that the client called.
    map $http_x_forwarded_host $called_host {
        "" $http_host;
        default $http_x_forwarded_host;
    }

    # API Gateway says which resource it chose, and $at is the one that is meant here. Requests that do not come
    # through API Gateway say nothing.
    map $http_x_apigw_resource $chosen {
        "" $at;
        default $http_x_apigw_resource;
    }

    # API Gateway drops a slash at the end of a path, and says what the path was where that matters.
    map $http_x_apigw_path $trailing_slash {
        default "";
        "~/$" "/";
    }

    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $called_host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Request-Id $http_x_request_id;
    proxy_set_header X-Apigw-Resource "";
    proxy_set_header X-Apigw-Path "";
    proxy_request_buffering off;
    proxy_max_temp_file_size 0;
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
        set $at "";

%s    }
}
`

const noRoute = `{"message":"no route"}`

// NGINX renders the proxy's whole nginx.conf for routes served on port. An Exact location is tried before a
// Prefix one, and a Prefix matches whole path segments only. Whatever comes from a manifest is an
// argument that is quoted by construction.
func (t *Table) NGINX(port int) []byte {
	n := &nginxWriter{hosts: t.allHosts(), maps: map[string]string{}}
	for _, b := range t.Backends() {
		n.global = append(n.global, directive{"upstream", []argument{raw(upstreamName(b))}, []directive{
			{"server", []argument{raw(fmt.Sprintf("%s:%d", b.Host(), b.Port))}, nil},
			{"keepalive", []argument{raw("64")}, nil},
		}})
	}
	if len(n.hosts) > 1 {
		n.global = append(n.global, n.hostMap())
	}
	var locations []directive
	root := false
	for _, l := range t.locations() {
		locations = append(locations, n.location(l))
		root = root || l.path == "/" && l.below
	}
	if !root {
		locations = append(locations, directive{"location", []argument{raw("/")}, []directive{{"return", []argument{raw("404"), text(noRoute)}, nil}}})
	}
	return fmt.Appendf(nil, nginxMain, write(n.global, 1), HealthPort, port, write(locations, 2))
}

// nginxWriter collects what stands outside of the server: upstreams and maps, each map once.
type nginxWriter struct {
	hosts  []string
	global []directive
	maps   map[string]string
}

// hostMap turns the called name into the host of a rule; exact names are found before patterns.
func (n *nginxWriter) hostMap() directive {
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

func (n *nginxWriter) location(l location) directive {
	block := []directive{
		{"set", []argument{raw("$at"), text(l.resource)}, nil},
		refuseIf(raw("($chosen != $at)")),
	}
	upstream, some := n.upstream(l)
	if some {
		block = append(block, refuseIf(raw("("+upstream+` = "")`)))
	}
	r := l.first(n.hosts)
	if settings := r.Settings.withDefaults(); settings.MaxBodySize != maxBodySize {
		block = append(block, directive{"client_max_body_size", []argument{raw(strconv.Itoa(settings.MaxBodySize))}, nil})
	}
	if r.Settings.CORS != nil {
		block = append(block, n.cors(*r.Settings.withDefaults().CORS)...)
	}
	block = append(block, directive{"proxy_pass", []argument{raw("http://" + upstream)}, nil})
	if l.below {
		return directive{"location", []argument{literal(strings.TrimSuffix(l.path, "/") + "/")}, block}
	}
	return directive{"location", []argument{raw("="), literal(l.path)}, block}
}

func refuseIf(condition argument) directive {
	return directive{"if", []argument{condition}, []directive{{"return", []argument{raw("404"), text(noRoute)}, nil}}}
}

// upstream is the name of a location's upstream, or a variable that holds it where hosts differ. some says
// that there are hosts for which nothing decides.
func (n *nginxWriter) upstream(l location) (name string, some bool) {
	distinct := map[string]bool{}
	var entries []directive
	add := func(key string, r *Route) {
		name = ""
		if r != nil {
			name = upstreamName(r.Backend)
		}
		distinct[name] = true
		entries = append(entries, directive{"", []argument{mapKey(key), text(name)}, nil})
	}
	for _, host := range n.hosts {
		add(host, l.byHost[host])
		if l.slashed != nil {
			add(host+"/", l.slashed[host])
		}
	}
	if len(distinct) == 1 {
		return name, false
	}
	source := ""
	if len(n.hosts) > 1 {
		source = "$rule_host"
	}
	if l.slashed != nil {
		source += "$trailing_slash"
	}
	return n.variable("$upstream", source, entries), distinct[""]
}

// variable makes a map, or finds one with the same entries.
func (n *nginxWriter) variable(prefix, source string, entries []directive) string {
	key := prefix + source + write(entries, 0)
	if n.maps[key] == "" {
		n.maps[key] = fmt.Sprintf("%s_%d", prefix, len(n.maps))
		n.global = append(n.global, directive{"map", []argument{raw(source), raw(n.maps[key])}, entries})
	}
	return n.maps[key]
}

// cors answers a browser's question and marks every answer. A header with an empty value is not sent.
func (n *nginxWriter) cors(c CORS) []directive {
	entries := []directive{{"default", []argument{text("")}, nil}}
	for _, origin := range c.Origins {
		if origin == "*" {
			entries = []directive{{"default", []argument{text("*")}, nil}}
			break
		}
		entries = append(entries, directive{"", []argument{mapKey(origin), text(origin)}, nil})
	}
	allowed := n.variable("$cors_origin", "$http_origin", entries)
	header := func(name string, value argument) directive {
		return directive{"add_header", []argument{raw(name), value, raw("always")}, nil}
	}
	common := []directive{header("Access-Control-Allow-Origin", raw(allowed)), header("Vary", raw("Origin"))}
	if c.Credentials {
		common = append(common, header("Access-Control-Allow-Credentials", raw("true")))
	}
	preflight := append(append([]directive{}, common...),
		header("Access-Control-Allow-Methods", text(strings.Join(c.Methods, ", "))),
		header("Access-Control-Allow-Headers", text(strings.Join(c.Headers, ", "))),
		header("Access-Control-Max-Age", raw(strconv.Itoa(int(c.MaxAge.Seconds())))),
		directive{"return", []argument{raw("204")}, nil})
	block := []directive{{"if", []argument{raw("($request_method = OPTIONS)")}, preflight}}
	for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"} {
		block = append(block, directive{"proxy_hide_header", []argument{raw(name)}, nil})
	}
	return append(block, common...)
}

func upstreamName(b Backend) string {
	return fmt.Sprintf("%s.%s.%d", b.Namespace, b.Service, b.Port)
}

// directive is one of nginx's, with a block or without. A map's entry has no name.
type directive struct {
	name      string
	arguments []argument
	block     []directive
}

// argument is the text of one argument as it is written to the file.
type argument string

// raw is written as it is. It is for what this package says, never for what a manifest says.
func raw(s string) argument { return argument(s) }

var quoting = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// literal quotes a value where nginx puts no variables in.
func literal(s string) argument { return argument(`"` + quoting.Replace(s) + `"`) }

// mapKey quotes a key that is meant as it is, also when it looks like a pattern or a word of the map's own:
// https://nginx.org/en/docs/http/ngx_http_map_module.html
func mapKey(s string) argument {
	switch {
	case s == "default", s == "hostnames", s == "include", s == "volatile", strings.HasPrefix(s, "~"), strings.HasPrefix(s, `\`):
		s = `\` + s
	}
	return literal(s)
}

// text quotes a value where nginx would put variables in.
func text(s string) argument {
	return argument(`"` + strings.ReplaceAll(quoting.Replace(s), "$", "${dollar}") + `"`)
}

func write(directives []directive, depth int) string {
	var b strings.Builder
	for _, d := range directives {
		writeDirective(&b, d, depth)
	}
	return b.String()
}

func writeDirective(b *strings.Builder, d directive, depth int) {
	indent := strings.Repeat("    ", depth)
	b.WriteString(indent + d.name)
	for i, a := range d.arguments {
		if i > 0 || d.name != "" {
			b.WriteByte(' ')
		}
		b.WriteString(string(a))
	}
	if d.block == nil {
		b.WriteString(";\n")
		return
	}
	b.WriteString(" {\n" + write(d.block, depth+1) + indent + "}\n")
	if depth <= 2 && (d.name == "location" || depth == 1) {
		b.WriteByte('\n')
	}
}
