package route

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"
)

// Settings are what annotations say about the API as a whole and its proxy. A zero field means that none said anything.
type Settings struct {
	// ClientARNs may call the API: IAM users, roles, or accounts by their root.
	ClientARNs []string
	// StageName is the API Gateway stage.
	StageName string
	// ProxyReplicas is the number of NGINX pods, ProxyImage their image, ProxyPort where NGINX listens in its
	// pod, and NodeSelector places them.
	ProxyReplicas int
	ProxyImage    string
	ProxyPort     int
	NodeSelector  map[string]string
	// CustomDomainName and CertificateARN name the API's own domain.
	CustomDomainName, CertificateARN string
}

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
	maxTimeout  = 29 * time.Second
	maxBodySize = 10 << 20
)

// Behavior are what API Gateway and NGINX do for a route besides routing it. The zero value is the default:
// IAM authentication, every method, 29 seconds, 10 MiB, no CORS and no throttle of its own.
type Behavior struct {
	Auth Auth
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

var httpMethods = []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}

func checkMethods(methods []string) error {
	for _, method := range methods {
		if !slices.Contains(httpMethods, method) {
			return fmt.Errorf("%q is not one of %v", method, httpMethods)
		}
	}
	return nil
}

func (s Behavior) check() error {
	var problems []error
	if len(s.Scopes) > 0 && (s.Auth == "" || s.Auth == AuthIAM || s.Auth == AuthNone) {
		problems = append(problems, errors.New("auth-scopes without an authorizer: name a Cognito authorizer in auth"))
	}
	if s.CORS != nil && len(s.CORS.Origins) == 0 {
		problems = append(problems, errors.New("CORS annotations without cors-allow-origins: name the origins"))
	}
	if s.CORS != nil && s.CORS.Credentials && slices.Contains(s.CORS.Origins, "*") {
		problems = append(problems, errors.New("cors-allow-credentials does not go with the origin *: name the origins"))
	}
	if s.Throttle.Burst > 0 && s.Throttle.Rate == 0 {
		problems = append(problems, errors.New("throttle-burst without throttle-rate: write both"))
	}
	if s.Cache.TTL > 0 && !slices.Equal(s.Methods, []string{"GET"}) && !slices.Equal(s.Methods, []string{"GET", "HEAD"}) {
		problems = append(problems, errors.New("cache-ttl is for reading only: write the annotation methods with GET or GET,HEAD"))
	}
	if s.Cache.TTL > 0 && s.CORS != nil && !slices.Contains(s.CORS.Origins, "*") {
		problems = append(problems, errors.New("cache-ttl does not go with named origins: the cache would give one origin's answer to another; allow the origin *, or cache nothing"))
	}
	if s.Cache.TTL == 0 && len(s.Cache.QueryKeys) > 0 {
		problems = append(problems, errors.New("cache-key-query without cache-ttl: write both"))
	}
	return errors.Join(problems...)
}

// withDefaults fills in what the zero value means.
func (s Behavior) withDefaults() Behavior {
	if s.Auth == "" {
		s.Auth = AuthIAM
	}
	if s.Timeout == 0 {
		s.Timeout = maxTimeout
	}
	if s.MaxBodySize == 0 {
		s.MaxBodySize = maxBodySize
	}
	if s.Throttle.Rate > 0 && s.Throttle.Burst == 0 {
		s.Throttle.Burst = int(math.Ceil(s.Throttle.Rate))
	}
	if s.CORS != nil {
		s.CORS = s.CORS.withDefaults(s.Methods)
	}
	return s
}

func (c CORS) withDefaults(routeMethods []string) *CORS {
	if len(c.Methods) == 0 {
		c.Methods = routeMethods
	}
	if len(c.Methods) == 0 {
		c.Methods = httpMethods
	}
	if len(c.Headers) == 0 {
		c.Headers = []string{"Authorization", "Content-Type", "X-Amz-Content-Sha256", "X-Amz-Date", "X-Amz-Security-Token"}
	}
	if c.MaxAge == 0 {
		c.MaxAge = 10 * time.Minute
	}
	return &c
}

// merger joins the API-wide settings of several Ingresses.
type merger struct {
	settings Settings
	// origins says which Ingress decided a field, and with which order.
	origins  map[string]origin
	problems []error
}

type origin struct {
	place string
	order int
}

func (m *merger) add(place string, a annotated) {
	if m.origins == nil {
		m.origins = map[string]origin{}
	}
	clients := slices.Concat(m.settings.ClientARNs, a.api.ClientARNs)
	slices.Sort(clients)
	target, source := reflect.ValueOf(&m.settings).Elem(), reflect.ValueOf(a.api)
	for i := range source.NumField() {
		name := source.Type().Field(i).Name
		if source.Field(i).IsZero() || name == "ClientARNs" {
			continue
		}
		here := origin{place, a.order}
		before, decided := m.origins[name]
		switch {
		case !decided || here.order < before.order:
			target.Field(i).Set(source.Field(i))
			m.origins[name] = here
		case here.order == before.order && !reflect.DeepEqual(target.Field(i).Interface(), source.Field(i).Interface()):
			m.problems = append(m.problems, fmt.Errorf("%s: %s is %v, and %v at %s: Ingresses of one API must agree, or give them different %sgroup.order",
				place, name, source.Field(i).Interface(), target.Field(i).Interface(), before.place, AnnotationPrefix))
		}
	}
	m.settings.ClientARNs = slices.Compact(clients)
	if m.settings.NodeSelector != nil {
		m.settings.NodeSelector = maps.Clone(m.settings.NodeSelector)
	}
}
