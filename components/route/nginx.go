package route

import (
	"fmt"
	"strings"
)

// Headers by which API Gateway tells NGINX, and NGINX the services, about a request. API Gateway
// overwrites whatever a client sends under these names.
const (
	requestIDHeader = "X-Request-Id"
	clientIPHeader  = "X-Forwarded-For"
)

// HealthPort is where NGINX answers GET /healthz, apart from the port of the routes, so that no route can hide it.
const HealthPort = 8081

// nginxMain is everything around the upstreams and locations. nginx 1.22 and later read it.
// Paths that nginx writes are under /tmp, because the root file system is read-only.
const nginxMain = `worker_processes auto;
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
    access_log /dev/stdout json;

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

    set_real_ip_from 10.0.0.0/8;
    set_real_ip_from 172.16.0.0/12;
    set_real_ip_from 192.168.0.0/16;
    set_real_ip_from 100.64.0.0/10;
    set_real_ip_from 127.0.0.0/8;
    real_ip_header X-Forwarded-For;

    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Request-Id $http_x_request_id;
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

%s    }
}
`

// NGINX renders the proxy's whole nginx.conf for routes served on port.
// An Exact location is tried before a Prefix one, and a Prefix matches whole path segments only.
func (t *Table) NGINX(port int) []byte {
	var upstreams, locations strings.Builder
	for _, b := range t.Backends() {
		fmt.Fprintf(&upstreams, "    upstream %s {\n        server %s:%d;\n        keepalive 64;\n    }\n\n", upstreamName(b), b.Host(), b.Port)
	}
	taken := map[string]bool{}
	add := func(modifier, path string, b Backend) {
		location := modifier + path
		if taken[location] {
			return
		}
		taken[location] = true
		fmt.Fprintf(&locations, "        location %s\"%s\" {\n            proxy_pass http://%s;\n        }\n\n", modifier, path, upstreamName(b))
	}
	for _, r := range t.Routes {
		switch {
		case r.Match == Exact:
			add("= ", r.Path, r.Backend)
		case r.Path == "/":
			add("", "/", r.Backend)
		default:
			add("= ", r.Path, r.Backend)
			add("", r.Path+"/", r.Backend)
		}
	}
	if !taken["/"] {
		locations.WriteString("        location / {\n            return 404 '{\"message\":\"no route\"}';\n        }\n")
	}
	return fmt.Appendf(nil, nginxMain, upstreams.String(), HealthPort, port, locations.String())
}

func upstreamName(b Backend) string {
	return fmt.Sprintf("%s.%s.%d", b.Namespace, b.Service, b.Port)
}
