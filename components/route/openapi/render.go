// Package openapi renders a table of routes as the definition of a REST API: an OpenAPI 3.0 document with the extensions
// of API Gateway.
package openapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/getkin/kin-openapi/openapi3"
)

// PrivateLink is the way from API Gateway into the VPC: a VPC link to a load balancer.
type PrivateLink struct {
	// ConnectionID is the id of the VPC link.
	ConnectionID string
	// Host is the load balancer's DNS name, or with TLS the name in its certificate.
	Host string
	// Port is the listener's; 0 takes the port of each backend.
	Port int
	// TLS encrypts the requests from API Gateway to the load balancer.
	TLS bool
}

// Document is what the definition says besides the routes.
type Document struct {
	Title string
	Link  PrivateLink
	// Origin is the secret that proves to NGINX where a request comes from; empty sends none.
	Origin string
	// Responses replace API Gateway's own answers.
	Responses []GatewayResponse
	// VPCEndpointIDs are those through which a private API is called, and OnlyDomain turns the execute-api endpoint off.
	// An import sets both to what the document says, so that each route change would take them away for a moment if they
	// were declared beside it only: https://github.com/hashicorp/terraform-provider-aws/pull/26051
	VPCEndpointIDs []string
	OnlyDomain     bool
	// PassHeaders are carried to NGINX where it would ignore them for a dot or an underscore in their names.
	PassHeaders []string
}

type openAPI struct {
	OpenAPI     string                       `json:"openapi"`
	Info        openAPIInfo                  `json:"info"`
	Servers     []server                     `json:"servers,omitempty"`
	Paths       map[string]map[string]method `json:"paths"`
	Components  openAPIComponents            `json:"components"`
	BinaryTypes []string                     `json:"x-amazon-apigateway-binary-media-types"`
	Responses   map[string]gatewayResponse   `json:"x-amazon-apigateway-gateway-responses,omitempty"`
	Validators  map[string]requestValidator  `json:"x-amazon-apigateway-request-validators,omitempty"`
	// KeySource says where a key is, not what it is.
	KeySource string `json:"x-amazon-apigateway-api-key-source,omitempty"`
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/openapi-extensions-endpoint-configuration.html
type server struct {
	URL      string                `json:"url"`
	Endpoint endpointConfiguration `json:"x-amazon-apigateway-endpoint-configuration"`
}

type endpointConfiguration struct {
	VPCEndpointIDs []string `json:"vpcEndpointIds,omitempty"`
	Disable        bool     `json:"disableExecuteApiEndpoint,omitempty"`
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
	// Security is empty for everybody: a definition says so rather than nothing.
	Security    []map[string][]string `json:"security"`
	Validator   string                `json:"x-amazon-apigateway-request-validator,omitempty"`
	Integration integration           `json:"x-amazon-apigateway-integration"`
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
	anyMethod      = "x-amazon-apigateway-any-method"
	acceptEncoding = "Accept-Encoding"
	// validateAll is the validator of methods that a fragment describes.
	validateAll = "all"
)

// Render makes the API's definition. Every method requires AWS_IAM authorization unless its route says otherwise, and goes
// through the link. A Prefix route becomes the path and the path with a greedy variable below it. NGINX chooses the backend
// of whatever is admitted.
func Render(t *route.Table, d Document) ([]byte, error) {
	document := openAPI{
		OpenAPI:     "3.0.1",
		Info:        openAPIInfo{Title: d.Title, Version: "1"},
		Paths:       map[string]map[string]method{},
		BinaryTypes: []string{"*/*"},
		Components: openAPIComponents{Schemas: t.Models(), SecuritySchemes: map[string]securityScheme{
			route.SigV4Scheme: {Type: "apiKey", Name: "Authorization", In: "header", AuthType: "awsSigv4"},
		}},
	}
	if len(d.VPCEndpointIDs) > 0 || d.OnlyDomain {
		document.Servers = []server{{URL: "/", Endpoint: endpointConfiguration{d.VPCEndpointIDs, d.OnlyDomain}}}
	}
	for _, l := range t.Locations() {
		document.Paths[l.Resource] = methodsOf(t, l, claimsOf(t, l), d)
		if a := t.Authorizer(l.First.Behavior.Auth); a != nil {
			document.Components.SecuritySchemes[a.Name] = schemeOf(*a)
		}
		if l.First.Behavior.APIKeyRequired {
			document.Components.SecuritySchemes[route.APIKeyScheme] = securityScheme{Type: "apiKey", Name: "x-api-key", In: "header"}
			document.KeySource = "HEADER"
		}
	}
	if len(t.Fragments) > 0 {
		document.Validators = map[string]requestValidator{validateAll: {Body: true, Parameters: true}}
	}
	for _, response := range withCORS(t, d.Responses) {
		if document.Responses == nil {
			document.Responses = map[string]gatewayResponse{}
		}
		document.Responses[response.Type] = response.extension()
	}
	return json.Marshal(document) //nolint:gosec // the origin is meant for the document
}

// maxLength is the number of bytes that a definition may have:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
const maxLength = 6 << 20

// Check says whether API Gateway takes a definition of this size, before the link and the balancer are known.
func Check(t *route.Table, d Document) error {
	// Addresses are shorter than this in every region.
	d.Origin = strings.Repeat("x", 40)
	d.Link.ConnectionID, d.Link.Host = "0123456789", "internal-load-balancer-0123456789abcdef.elb.us-gov-west-1.amazonaws.com"
	body, err := Render(t, d)
	return errors.Join(err, route.CheckQuota("bytes of the API's definition", len(body), maxLength, "publish fewer routes in one API"))
}

func methodsOf(t *route.Table, l route.Location, said claims, d Document) map[string]method {
	methods := map[string]method{}
	expectations := t.Expectations(l.Resource)
	for _, name := range l.Methods {
		served := methodOf(l, said, d)
		if expected, described := expectations[name]; described {
			served.expect(expected)
		}
		key := strings.ToLower(name)
		if name == route.AnyMethod {
			key = anyMethod
		}
		methods[key] = served
	}
	if l.First.Behavior.CORS != nil {
		// A browser asks without credentials whether it may send them; NGINX answers.
		preflight := methodOf(l, claims{route.AccessPreflight, noClaim, []string{route.VerifiedNothing}}, d)
		preflight.Security = nil
		methods["options"] = preflight
	}
	return methods
}

// expect lets API Gateway check requests before it sends them on.
func (m *method) expect(e route.Expectation) {
	m.Validator, m.RequestBody = validateAll, bodyOf(e.Body)
	for _, p := range e.Parameters {
		i := slices.IndexFunc(m.Parameters, func(known parameter) bool { return known.Name == p.Value.Name && known.In == p.Value.In })
		if i < 0 {
			i, m.Parameters = len(m.Parameters), append(m.Parameters, parameter{Name: p.Value.Name, In: p.Value.In, Schema: anyText()})
		}
		m.Parameters[i].Required = p.Value.Required
	}
}

// bodyOf writes out what a fragment refers to: of its components, schemas alone are in the document.
func bodyOf(body *openapi3.RequestBodyRef) *openapi3.RequestBodyRef {
	if body == nil || body.Value == nil {
		return nil
	}
	written := openapi3.NewRequestBody().WithRequired(body.Value.Required)
	written.Content = openapi3.Content{}
	for contentType, media := range body.Value.Content {
		written.Content[contentType] = &openapi3.MediaType{Schema: media.Schema}
	}
	return &openapi3.RequestBodyRef{Value: written}
}

func methodOf(l route.Location, said claims, d Document) method {
	behavior, link := l.First.Behavior, d.Link
	result := method{
		Responses: map[string]any{"default": map[string]string{"description": "the backend's answer"}},
		Integration: integration{
			Type:       "http_proxy",
			HTTPMethod: "ANY",
			URI: fmt.Sprintf("%s://%s%s%s", link.protocol(), link.Host, portSuffix(cmp.Or(link.Port, l.First.Backend.Port), link.TLS),
				strings.Replace(l.Resource, route.Greedy, "{proxy}", 1)),
			ConnectionType: "VPC_LINK",
			ConnectionID:   link.ConnectionID,
			RequestParameters: map[string]string{
				"integration.request.header." + route.RequestIDHeader: "context.requestId",
				"integration.request.header." + route.ClientIPHeader:  "context.identity.sourceIp",
				"integration.request.header." + route.HostHeader:      "context.domainName",
				"integration.request.header." + route.PathHeader:      "context.path",
			},
			PassthroughBehavior: "when_no_match",
			TimeoutInMillis:     behavior.Timeout.Milliseconds(),
		},
	}
	maps.Copy(result.Integration.RequestParameters, said.mappings())
	result.Security = security(behavior)
	if d.Origin != "" {
		result.Integration.RequestParameters["integration.request.header."+route.OriginHeader] = "'" + d.Origin + "'"
	}
	if l.Below {
		result.Parameters = append(result.Parameters, parameter{Name: "proxy", In: "path", Required: true, Schema: anyText()})
		result.Integration.RequestParameters["integration.request.path.proxy"] = "method.request.path.proxy"
	}
	result.passHeader("Content-Encoding", "Content-Encoding")
	for _, name := range d.PassHeaders {
		if route.IsOddHeader(name) {
			result.passHeader(name, route.CarrierOf(name))
		}
	}
	if cache := behavior.Cache; cache.TTL > 0 {
		// What was compressed for one client is not for another that cannot read it.
		result.Parameters = append(result.Parameters, parameter{Name: acceptEncoding, In: "header", Schema: anyText()})
		result.Integration.CacheKeyParameters = append(result.Integration.CacheKeyParameters, "method.request.header."+acceptEncoding)
		if l.Below {
			result.Integration.CacheKeyParameters = append(result.Integration.CacheKeyParameters, "method.request.path.proxy")
		}
		for _, name := range cache.QueryKeys {
			result.Parameters = append(result.Parameters, parameter{Name: name, In: "query", Schema: anyText()})
			result.Integration.CacheKeyParameters = append(result.Integration.CacheKeyParameters, "method.request.querystring."+name)
		}
	}
	return result
}

// passHeader hands a client's header on under a name. So a service knows that a request's body is compressed: API Gateway
// drops Content-Encoding unless it is mapped.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
func (m *method) passHeader(name, as string) {
	m.Parameters = append(m.Parameters, parameter{Name: name, In: "header", Schema: anyText()})
	m.Integration.RequestParameters["integration.request.header."+as] = "method.request.header." + name
}

// security is what a request must bring along, all of it together.
func security(b route.Behavior) []map[string][]string {
	required := map[string][]string{}
	switch b.Auth {
	case route.AuthIAM:
		required[route.SigV4Scheme] = []string{}
	case route.AuthNone:
	default:
		required[string(b.Auth)] = append([]string{}, b.Scopes...)
	}
	if b.APIKeyRequired {
		required[route.APIKeyScheme] = []string{}
	}
	if len(required) == 0 {
		return []map[string][]string{}
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
