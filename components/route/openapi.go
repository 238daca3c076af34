package route

import (
	"encoding/json"
	"fmt"
	"strings"
)

// PrivateLink is the way from API Gateway into the VPC: a VPC link to a load balancer.
type PrivateLink struct {
	// ConnectionID is the id of the VPC link.
	ConnectionID string
	// Host is the load balancer's DNS name.
	Host string
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
}

type openAPIInfo struct {
	Title   string `json:"title"`
	Version string `json:"version"`
}

type openAPIComponents struct {
	SecuritySchemes map[string]securityScheme `json:"securitySchemes"`
}

type securityScheme struct {
	Type     string `json:"type"`
	Name     string `json:"name"`
	In       string `json:"in"`
	AuthType string `json:"x-amazon-apigateway-authtype"`
}

type method struct {
	Parameters  []parameter           `json:"parameters,omitempty"`
	Responses   map[string]any        `json:"responses"`
	Security    []map[string][]string `json:"security,omitempty"`
	Integration integration           `json:"x-amazon-apigateway-integration"`
}

type parameter struct {
	Name     string            `json:"name"`
	In       string            `json:"in"`
	Required bool              `json:"required"`
	Schema   map[string]string `json:"schema"`
}

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
)

// OpenAPI renders the API's definition: an OpenAPI 3.0 document with API Gateway extensions. Every method
// requires AWS_IAM authorization unless its route says otherwise, and goes through link. A Prefix route becomes
// the path and the path with a greedy variable below it. NGINX chooses the backend of whatever is admitted.
func (t *Table) OpenAPI(title string, link PrivateLink) ([]byte, error) {
	document := openAPI{
		OpenAPI:     "3.0.1",
		Info:        openAPIInfo{Title: title, Version: "1"},
		Paths:       map[string]map[string]method{},
		BinaryTypes: []string{"*/*"},
		Components: openAPIComponents{SecuritySchemes: map[string]securityScheme{
			sigV4: {Type: "apiKey", Name: "Authorization", In: "header", AuthType: "awsSigv4"},
		}},
	}
	hosts := t.allHosts()
	for _, l := range t.locations() {
		document.Paths[l.resource] = methodsOf(l, l.first(hosts), link)
	}
	return json.Marshal(document)
}

func methodsOf(l location, r *Route, link PrivateLink) map[string]method {
	served := methodOf(l, r, link)
	methods := map[string]method{}
	if len(r.Settings.Methods) == 0 {
		methods[anyMethod] = served
	}
	for _, name := range r.Settings.Methods {
		methods[strings.ToLower(name)] = served
	}
	if r.Settings.CORS != nil {
		// A browser asks without credentials whether it may send them; NGINX answers.
		preflight := served
		preflight.Security = nil
		methods["options"] = preflight
	}
	return methods
}

func methodOf(l location, r *Route, link PrivateLink) method {
	result := method{
		Responses: map[string]any{"default": map[string]string{"description": "the backend's answer"}},
		Integration: integration{
			Type:           "http_proxy",
			HTTPMethod:     "ANY",
			URI:            fmt.Sprintf("http://%s%s%s", link.Host, portSuffix(r.Backend.Port), strings.Replace(l.resource, greedy, "{proxy}", 1)),
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
	if r.Settings.withDefaults().Auth == AuthIAM {
		result.Security = []map[string][]string{{sigV4: {}}}
	}
	if l.slashed != nil {
		result.Integration.RequestParameters["integration.request.header."+pathHeader] = "context.path"
	}
	if l.below {
		result.Parameters = []parameter{{Name: "proxy", In: "path", Required: true, Schema: map[string]string{"type": "string"}}}
		result.Integration.RequestParameters["integration.request.path.proxy"] = "method.request.path.proxy"
	}
	if cache := r.Settings.Cache; cache.TTL > 0 {
		if l.below {
			result.Integration.CacheKeyParameters = []string{"method.request.path.proxy"}
		}
		for _, name := range cache.QueryKeys {
			result.Parameters = append(result.Parameters, parameter{Name: name, In: "query", Schema: map[string]string{"type": "string"}})
			result.Integration.CacheKeyParameters = append(result.Integration.CacheKeyParameters, "method.request.querystring."+name)
		}
	}
	return result
}

func portSuffix(port int) string {
	if port == 80 {
		return ""
	}
	return fmt.Sprintf(":%d", port)
}
