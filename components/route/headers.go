package route

// Headers by which API Gateway tells NGINX, and NGINX the services, about a request. API Gateway overwrites
// whatever a client sends under these names.
const (
	RequestIDHeader = "X-Request-Id"
	// ClientIPHeader is the client's address as API Gateway sees it. X-Forwarded-For is also the client's to write.
	ClientIPHeader = "X-Apigw-Client-Ip"
	// HostHeader is the name that the client called; the Host header is the load balancer's.
	HostHeader = "X-Forwarded-Host"
	// AccessHeader is the access class for which API Gateway let a request in, with AccessUniform where everything below
	// the resource has it, or AccessPreflight. NGINX refuses a path that a service could read as one of another class.
	AccessHeader = "X-Apigw-Access"
	// BackendsHeader is where API Gateway wants a request to go: host=backend for each host of the routes, separated by
	// commas, without a host for every other one, and host/=backend where a slash at the path's end makes a difference.
	// NoBackend says that no route decides.
	BackendsHeader = "X-Apigw-Backends"
	// OriginHeader is a secret that only API Gateway and NGINX know.
	OriginHeader = "X-Apigw-Origin"
	// VerifiedHeader says what API Gateway has verified about the caller: one of the Verified values, or VerifiedNothing, and
	// VerifiedKey behind it where an API key is required.
	VerifiedHeader = "X-Apigw-Verified"
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

// Identity is a header by which a service knows who called, the value that API Gateway writes there, and what it must have
// verified for that. API Gateway sets no header to nothing and would let a client's pass, so NGINX clears those that cannot be
// true. https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
type Identity struct{ Header, Source, Verified string }

// What API Gateway may have verified.
const (
	VerifiedIAM     = "iam"
	VerifiedCognito = "cognito"
	VerifiedLambda  = "lambda"
	VerifiedKey     = "key"
	VerifiedNothing = "none"
)

// Identities are all of them.
var Identities = []Identity{
	{"X-Apigw-Caller", "context.identity.userArn", VerifiedIAM},
	{"X-Apigw-Account", "context.identity.accountId", VerifiedIAM},
	{"X-Apigw-Subject", "context.authorizer.claims.sub", VerifiedCognito},
	{"X-Apigw-Principal", "context.authorizer.principalId", VerifiedLambda},
	{"X-Apigw-Key-Id", "context.identity.apiKeyId", VerifiedKey},
}

// Verified lists what API Gateway verifies about the callers of a route.
func (t *Table) Verified(b Behavior) []string {
	verified := []string{VerifiedLambda}
	switch a := t.Authorizer(b.Auth); {
	case b.Auth == AuthIAM:
		verified = []string{VerifiedIAM}
	case b.Auth == AuthNone:
		verified = []string{VerifiedNothing}
	case a != nil && a.Type == AuthorizerCognito:
		verified = []string{VerifiedCognito}
	}
	if b.APIKeyRequired {
		verified = append(verified, VerifiedKey)
	}
	return verified
}

// TrustedHeaders are those that NGINX believes, and so those that API Gateway must write in every method.
var TrustedHeaders = []string{RequestIDHeader, ClientIPHeader, HostHeader, AccessHeader, BackendsHeader, VerifiedHeader, PathHeader}
