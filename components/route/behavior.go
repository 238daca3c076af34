package route

import (
	"math"
	"time"
)

// Auth is how API Gateway authenticates the callers of a route.
type Auth string

// AuthIAM wants a Signature Version 4 of a caller whom the policies allow; AuthNone lets everybody in. Every other
// value is the name of an Authorizer.
const (
	AuthIAM  Auth = "iam"
	AuthNone Auth = "none"
)

// Quotas of API Gateway: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
const (
	MaxTimeout  = 29 * time.Second
	MaxBodySize = 10 << 20
)

// Behavior is what API Gateway and NGINX do for a route besides routing it. The zero value is the default:
// IAM authentication, every method, 29 seconds, 10 MiB, no CORS and no throttle of its own.
type Behavior struct {
	Auth Auth
	// Callers may call the route besides those of the whole API: IAM users, roles, or accounts by their root.
	Callers []string
	// Scopes are OAuth scopes of which a Cognito access token must have one.
	Scopes []string
	// APIKeyRequired wants an API key of a usage plan in the header x-api-key, besides the authentication.
	APIKeyRequired bool
	// Methods are the HTTP methods that are let through, sorted; empty lets all.
	Methods []string
	// Timeout is how long API Gateway waits for the answer, 50 ms to 29 s.
	Timeout time.Duration
	// MaxBodySize is the longest request body in bytes, up to 10 MiB.
	MaxBodySize int
	// CORS lets browsers of other origins call the route; nil does not.
	CORS *CORS
	// Throttle limits the route's requests by a token bucket of its own.
	Throttle Throttle
	// Cache lets API Gateway answer from its cache.
	Cache Cache
}

// Throttle is a rate of requests a second and a number that may come at once. Rate 0 sets no limit.
type Throttle struct {
	Rate  float64
	Burst int
}

// Cache is how long an answer to GET may be given again, to every caller: 1 s to 1 h, 0 for never. Requests are
// the same when their path and the named query parameters are.
type Cache struct {
	TTL       time.Duration
	QueryKeys []string
}

// CORS is a cross-origin policy: https://fetch.spec.whatwg.org/#http-cors-protocol
type CORS struct {
	// Origins that may call, or *.
	Origins []string
	// Methods and Headers that they may use.
	Methods, Headers []string
	// MaxAge is how long a browser may remember the policy.
	MaxAge time.Duration
	// Credentials says that a browser may send cookies; not with the origin *.
	Credentials bool
}

// HTTPMethods are those that API Gateway lets through.
var HTTPMethods = []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}

// WithDefaults fills in what the zero value means. New applies it to every route.
func (b Behavior) WithDefaults() Behavior {
	if b.Auth == "" {
		b.Auth = AuthIAM
	}
	if b.Timeout == 0 {
		b.Timeout = MaxTimeout
	}
	if b.MaxBodySize == 0 {
		b.MaxBodySize = MaxBodySize
	}
	if b.Throttle.Rate > 0 && b.Throttle.Burst == 0 {
		b.Throttle.Burst = int(math.Ceil(b.Throttle.Rate))
	}
	if b.CORS != nil {
		b.CORS = b.CORS.withDefaults(b.Methods)
	}
	return b
}

func (c CORS) withDefaults(routeMethods []string) *CORS {
	if len(c.Methods) == 0 {
		c.Methods = routeMethods
	}
	if len(c.Methods) == 0 {
		c.Methods = HTTPMethods
	}
	if len(c.Headers) == 0 {
		c.Headers = []string{"Authorization", "Content-Type", "X-Amz-Content-Sha256", "X-Amz-Date", "X-Amz-Security-Token", "X-Api-Key"}
	}
	if c.MaxAge == 0 {
		c.MaxAge = 10 * time.Minute
	}
	return &c
}
