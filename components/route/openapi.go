package route

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// PrivateLink is the way from API Gateway into the VPC: a VPC link to a load balancer.
type PrivateLink struct {
	// ConnectionID is the id of the VPC link.
	ConnectionID string
	// Host is the load balancer's DNS name, or with TLS the name in its certificate.
	Host string
	// TLS encrypts the requests from API Gateway to the load balancer.
	TLS bool
}

// Document is what the definition says besides the routes.
type Document struct {
	Title string
	Link  PrivateLink
	// Responses replace API Gateway's own answers.
	Responses []GatewayResponse
}

// Headers by which API Gateway tells NGINX, and NGINX the services, about a request. API Gateway overwrites
// whatever a client sends under these names.
const (
	requestIDHeader = "X-Request-Id"
	clientIPHeader  = "X-Forwarded-For"
	// hostHeader is the name that the client called; the Host header is the load balancer's.
	hostHeader = "X-Forwarded-Host"
	// resourceHeader is the resource that API Gateway chose. NGINX refuses a request for which it would
	// choose another, so that no encoding of a path gets one route's request to another's backend.
	resourceHeader = "X-Apigw-Resource"
	// pathHeader is the path before API Gateway made it the resource's own: a trailing slash is gone from that.
	pathHeader = "X-Apigw-Path"
)

type openAPI struct {
	OpenAPI     string                       `json:"openapi"`
	Info        openAPIInfo                  `json:"info"`
	Paths       map[string]map[string]method `json:"paths"`
	Components  openAPIComponents            `json:"components"`
	BinaryTypes []string                     `json:"x-amazon-apigateway-binary-media-types"`
	Responses   map[string]gatewayResponse   `json:"x-amazon-apigateway-gateway-responses,omitempty"`
	Validators  map[string]requestValidator  `json:"x-amazon-apigateway-request-validators,omitempty"`
	// KeySource says where a key is, not what it is.
	KeySource string `json:"x-amazon-apigateway-api-key-source,omitempty"`
}

type requestValidator struct {
	Body       bool `json:"validateRequestBody"`
	Parameters bool `json:"validateRequestParameters"`
}

type openAPIInfo struct {
	Title   string `json:"title"`
	Version string `json:"version"`
}

type openAPIComponents struct {
	SecuritySchemes map[string]securityScheme `json:"securitySchemes"`
	Schemas         openapi3.Schemas          `json:"schemas,omitempty"`
}

type securityScheme struct {
	Type       string               `json:"type"`
	Name       string               `json:"name"`
	In         string               `json:"in"`
	AuthType   string               `json:"x-amazon-apigateway-authtype,omitempty"`
	Authorizer *authorizerExtension `json:"x-amazon-apigateway-authorizer,omitempty"`
}

type authorizerExtension struct {
	Type           string   `json:"type"`
	ProviderARNs   []string `json:"providerARNs,omitempty"`
	URI            string   `json:"authorizerUri,omitempty"`
	IdentitySource string   `json:"identitySource,omitempty"`
	TTL            *int     `json:"authorizerResultTtlInSeconds,omitempty"`
}

type method struct {
	Parameters  []parameter              `json:"parameters,omitempty"`
	RequestBody *openapi3.RequestBodyRef `json:"requestBody,omitempty"`
	Responses   map[string]any           `json:"responses"`
	Security    []map[string][]string    `json:"security,omitempty"`
	Validator   string                   `json:"x-amazon-apigateway-request-validator,omitempty"`
	Integration integration              `json:"x-amazon-apigateway-integration"`
}

type parameter struct {
	Name     string              `json:"name"`
	In       string              `json:"in"`
	Required bool                `json:"required"`
	Schema   *openapi3.SchemaRef `json:"schema"`
}

func anyText() *openapi3.SchemaRef { return openapi3.NewStringSchema().NewRef() }

type integration struct {
	Type                string            `json:"type"`
	HTTPMethod          string            `json:"httpMethod"`
	URI                 string            `json:"uri"`
	ConnectionType      string            `json:"connectionType"`
	ConnectionID        string            `json:"connectionId"`
	RequestParameters   map[string]string `json:"requestParameters"`
	PassthroughBehavior string            `json:"passthroughBehavior"`
	TimeoutInMillis     int64             `json:"timeoutInMillis"`
	CacheKeyParameters  []string          `json:"cacheKeyParameters,omitempty"`
}

const (
	// sigV4 is the security scheme by which API Gateway knows AWS_IAM authorization:
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authtype.html
	sigV4     = "sigv4"
	anyMethod = "x-amazon-apigateway-any-method"
	// apiKeyScheme is the one by which it knows that an API key is required.
	apiKeyScheme = "apikey"
	// validateAll is the validator of methods that a fragment describes.
	validateAll = "all"
)

// OpenAPI renders the API's definition: an OpenAPI 3.0 document with API Gateway extensions. Every method
// requires AWS_IAM authorization unless its route says otherwise, and goes through the link. A Prefix route becomes
// the path and the path with a greedy variable below it. NGINX chooses the backend of whatever is admitted.
func (t *Table) OpenAPI(d Document) ([]byte, error) {
	document := openAPI{
		OpenAPI:     "3.0.1",
		Info:        openAPIInfo{Title: d.Title, Version: "1"},
		Paths:       map[string]map[string]method{},
		BinaryTypes: []string{"*/*"},
		Components: openAPIComponents{Schemas: t.models(), SecuritySchemes: map[string]securityScheme{
			sigV4: {Type: "apiKey", Name: "Authorization", In: "header", AuthType: "awsSigv4"},
		}},
	}
	hosts := t.allHosts()
	for _, l := range t.locations() {
		r := l.first(hosts)
		document.Paths[l.resource] = t.methodsOf(l, r, d.Link)
		if a := t.authorizer(r.Settings.Auth); a != nil {
			document.Components.SecuritySchemes[a.Name] = a.scheme()
		}
		if r.Settings.APIKeyRequired {
			document.Components.SecuritySchemes[apiKeyScheme] = securityScheme{Type: "apiKey", Name: "x-api-key", In: "header"}
			document.KeySource = "HEADER"
		}
	}
	if len(t.Fragments) > 0 {
		document.Validators = map[string]requestValidator{validateAll: {Body: true, Parameters: true}}
	}
	for _, response := range d.Responses {
		if document.Responses == nil {
			document.Responses = map[string]gatewayResponse{}
		}
		document.Responses[response.Type] = response.extension()
	}
	return json.Marshal(document) //nolint:gosec // no field holds a secret
}

func (t *Table) methodsOf(l location, r *Route, link PrivateLink) map[string]method {
	methods := map[string]method{}
	expectations := t.expectations(l.resource)
	for _, name := range t.methodNames(l, r) {
		served := methodOf(l, r, link)
		if expected, described := expectations[name]; described {
			served.expect(expected)
		}
		key := strings.ToLower(name)
		if name == everyMethod {
			key = anyMethod
		}
		methods[key] = served
	}
	if r.Settings.CORS != nil {
		// A browser asks without credentials whether it may send them; NGINX answers.
		preflight := methodOf(l, r, link)
		preflight.Security = nil
		methods["options"] = preflight
	}
	return methods
}

// everyMethod is API Gateway's name for a method that serves all those without one of their own.
const everyMethod = "ANY"

// methodNames are the methods of a resource, without that for a preflight.
func (t *Table) methodNames(l location, r *Route) []string {
	names := slices.Clone(r.Settings.Methods)
	if len(names) == 0 {
		names = append(sortedKeys(t.expectations(l.resource)), everyMethod)
	}
	return names
}

// expect lets API Gateway check requests before it sends them on.
func (m *method) expect(e expectation) {
	m.Validator, m.RequestBody = validateAll, e.body
	for _, p := range e.parameters {
		i := slices.IndexFunc(m.Parameters, func(known parameter) bool { return known.Name == p.Value.Name && known.In == p.Value.In })
		if i < 0 {
			i, m.Parameters = len(m.Parameters), append(m.Parameters, parameter{Name: p.Value.Name, In: p.Value.In, Schema: anyText()})
		}
		m.Parameters[i].Required = p.Value.Required
	}
}

func methodOf(l location, r *Route, link PrivateLink) method {
	result := method{
		Responses: map[string]any{"default": map[string]string{"description": "the backend's answer"}},
		Integration: integration{
			Type:           "http_proxy",
			HTTPMethod:     "ANY",
			URI:            fmt.Sprintf("%s://%s%s%s", link.protocol(), link.Host, portSuffix(r.Backend.Port, link.TLS), strings.Replace(l.resource, greedy, "{proxy}", 1)),
			ConnectionType: "VPC_LINK",
			ConnectionID:   link.ConnectionID,
			RequestParameters: map[string]string{
				"integration.request.header." + requestIDHeader: "context.requestId",
				"integration.request.header." + clientIPHeader:  "context.identity.sourceIp",
				"integration.request.header." + hostHeader:      "context.domainName",
				"integration.request.header." + resourceHeader:  "'" + l.resource + "'",
			},
			PassthroughBehavior: "when_no_match",
			TimeoutInMillis:     r.Settings.withDefaults().Timeout.Milliseconds(),
		},
	}
	result.Security = security(r.Settings.withDefaults())
	if l.slashed != nil {
		result.Integration.RequestParameters["integration.request.header."+pathHeader] = "context.path"
	}
	if l.below {
		result.Parameters = []parameter{{Name: "proxy", In: "path", Required: true, Schema: anyText()}}
		result.Integration.RequestParameters["integration.request.path.proxy"] = "method.request.path.proxy"
	}
	if cache := r.Settings.Cache; cache.TTL > 0 {
		if l.below {
			result.Integration.CacheKeyParameters = []string{"method.request.path.proxy"}
		}
		for _, name := range cache.QueryKeys {
			result.Parameters = append(result.Parameters, parameter{Name: name, In: "query", Schema: anyText()})
			result.Integration.CacheKeyParameters = append(result.Integration.CacheKeyParameters, "method.request.querystring."+name)
		}
	}
	return result
}

// security is what a request must bring along, all of it together.
func security(b Behavior) []map[string][]string {
	required := map[string][]string{}
	switch b.Auth {
	case AuthIAM:
		required[sigV4] = []string{}
	case AuthNone:
	default:
		required[string(b.Auth)] = append([]string{}, b.Scopes...)
	}
	if b.APIKeyRequired {
		required[apiKeyScheme] = []string{}
	}
	if len(required) == 0 {
		return nil
	}
	return []map[string][]string{required}
}

func (l PrivateLink) protocol() string {
	if l.TLS {
		return "https"
	}
	return "http"
}

func portSuffix(port int, tls bool) string {
	if port == 80 && !tls || port == 443 && tls {
		return ""
	}
	return fmt.Sprintf(":%d", port)
}
