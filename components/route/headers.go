package route

// Headers by which API Gateway tells NGINX, and NGINX the services, about a request. API Gateway overwrites
// whatever a client sends under these names.
const (
	RequestIDHeader = "X-Request-Id"
	ClientIPHeader  = "X-Forwarded-For"
	// HostHeader is the name that the client called; the Host header is the load balancer's.
	HostHeader = "X-Forwarded-Host"
	// ResourceHeader is the resource that API Gateway chose. NGINX refuses a request for which it would
	// choose another, so that no encoding of a path gets one route's request to another's backend.
	ResourceHeader = "X-Apigw-Resource"
	// PathHeader is the path before API Gateway made it the resource's own: a trailing slash is gone from that.
	PathHeader = "X-Apigw-Path"
)
