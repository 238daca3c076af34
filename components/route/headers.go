package route

// Headers by which API Gateway tells NGINX, and NGINX the services, about a request. API Gateway overwrites
// whatever a client sends under these names.
const (
	RequestIDHeader = "X-Request-Id"
	ClientIPHeader  = "X-Forwarded-For"
	// HostHeader is the name that the client called; the Host header is the load balancer's.
	HostHeader = "X-Forwarded-Host"
	// AccessHeader is the access class for which API Gateway let a request in, with AccessUniform where everything below
	// the resource has it, or AccessPreflight. NGINX refuses a path that a service could read as one of another class.
	AccessHeader = "X-Apigw-Access"
	// BackendsHeader is where API Gateway wants a request to go: host=backend for each host of the routes, separated by
	// commas, without a host for every other one, and host/=backend where a slash at the path's end makes a difference.
	// NoBackend says that no route decides.
	BackendsHeader = "X-Apigw-Backends"
	// PathHeader is the path before API Gateway made it the resource's own: a slash at its end may be gone from that.
	PathHeader = "X-Apigw-Path"
)

// NoBackend is no backend's name.
const NoBackend = "-"

// AccessUniform follows an access class that everything at and below the resource has, and AccessPreflight stands for one
// where a browser asks without credentials whether it may call.
const (
	AccessUniform   = "*"
	AccessPreflight = "preflight"
)

// TrustedHeaders are those that NGINX believes, and so those that API Gateway must write in every method.
var TrustedHeaders = []string{RequestIDHeader, ClientIPHeader, HostHeader, AccessHeader, BackendsHeader, PathHeader}
