// Package restapi reads an API Gateway REST API from an OpenAPI document with AWS's extensions, as an
// import would, and finds the method for a request.
package restapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Definition is a REST API: a tree of resources, and the answers that are API Gateway's own.
type Definition struct {
	root      *resource
	responses map[string]Response
	// VPCEndpointIDs are those that the document names; an import leaves the API with no others.
	VPCEndpointIDs []string
}

type resource struct {
	path     string
	literals map[string]*resource
	// variable and greedy are the children {name} and {name+}.
	variable, greedy *resource
	name             string
	methods          map[string]*Method
}

// AnyMethod is the key of a method that serves every HTTP method.
const AnyMethod = "ANY"

// Method is what one HTTP method of one resource does.
type Method struct {
	// ResourcePath is the resource's path with its variables.
	ResourcePath string
	// IAM says that the method requires AWS_IAM authorization. Authorizer is nil without one.
	IAM        bool
	Authorizer *Authorizer
	// Scopes are those of which a Cognito access token must have one.
	Scopes []string
	// APIKeyRequired says that a key of a usage plan must come along.
	APIKeyRequired bool
	Integration    Integration
	expects        expectation
	parameters     map[string]bool
}

// Integration is where API Gateway sends a request.
type Integration struct {
	Type              string            `json:"type"`
	HTTPMethod        string            `json:"httpMethod"`
	URI               string            `json:"uri"`
	ConnectionType    string            `json:"connectionType"`
	ConnectionID      string            `json:"connectionId"`
	RequestParameters map[string]string `json:"requestParameters"`
	TimeoutInMillis   int               `json:"timeoutInMillis"`
	// CacheKeyParameters are the method's parameters by which cached answers differ.
	CacheKeyParameters []string `json:"cacheKeyParameters"`
}

type document struct {
	OpenAPI    string                                `json:"openapi"`
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		SecuritySchemes map[string]securityScheme `json:"securitySchemes"`
	} `json:"components"`
	Servers []struct {
		Endpoint struct {
			VPCEndpointIDs []string `json:"vpcEndpointIds"`
		} `json:"x-amazon-apigateway-endpoint-configuration"`
	} `json:"servers"`
	Responses  map[string]rawResponse `json:"x-amazon-apigateway-gateway-responses"`
	Validators map[string]expectation `json:"x-amazon-apigateway-request-validators"`
	// models is the whole document, read again only where it has models.
	models *openapi3.T
}

type securityScheme struct {
	Type, Name, In string
	AuthType       string      `json:"x-amazon-apigateway-authtype"`
	Authorizer     *Authorizer `json:"x-amazon-apigateway-authorizer"`
}

type operation struct {
	Parameters []struct {
		Name, In string
		Required bool
	} `json:"parameters"`
	Security    []map[string][]string `json:"security"`
	Validator   string                `json:"x-amazon-apigateway-request-validator"`
	Body        json.RawMessage       `json:"requestBody"`
	Integration *Integration          `json:"x-amazon-apigateway-integration"`
}

var operations = map[string]string{
	"get": "GET", "put": "PUT", "post": "POST", "delete": "DELETE", "options": "OPTIONS", "head": "HEAD", "patch": "PATCH",
	"x-amazon-apigateway-any-method": AnyMethod,
}

var (
	literalPart = regexp.MustCompile(`^[A-Za-z0-9._:-]+$`)
	// What a parameter mapping may say:
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html
	mappingTarget = regexp.MustCompile(`^integration\.request\.(header|path|querystring)\.[a-zA-Z0-9._$-]+$`)
	mappingSource = regexp.MustCompile(`^('[^']*'|method\.request\.(header|multivalueheader|path|querystring|multivaluequerystring)\.[a-zA-Z0-9._$-]+|method\.request\.body(\..+)?|stageVariables\.[a-zA-Z0-9_]+|context\.[a-zA-Z0-9._$-]+)$`)
	variablePart  = regexp.MustCompile(`^\{[A-Za-z0-9._:-]+\+?\}$`)
)

// Parse reads an OpenAPI 3.0 document. Its errors are those of an import.
func Parse(body []byte) (*Definition, error) {
	var doc document
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, fmt.Errorf("unable to parse API definition because of a malformed document: %w", err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.0") {
		return nil, fmt.Errorf("invalid OpenAPI input: version %q", doc.OpenAPI)
	}
	definition := &Definition{root: newResource("/"), responses: map[string]Response{}}
	if err := errors.Join(doc.checkAuthorizers(), definition.addResponses(doc.Responses), doc.loadModels(body)); err != nil {
		return nil, err
	}
	for _, server := range doc.Servers {
		definition.VPCEndpointIDs = append(definition.VPCEndpointIDs, server.Endpoint.VPCEndpointIDs...)
	}
	for _, path := range sortedKeys(doc.Paths) {
		if err := definition.addPath(path, doc.Paths[path], doc); err != nil {
			return nil, err
		}
	}
	return definition, nil
}

func newResource(path string) *resource {
	return &resource{path: path, literals: map[string]*resource{}, methods: map[string]*Method{}}
}

func (d *Definition) addPath(path string, item map[string]json.RawMessage, doc document) error {
	node, err := d.resourceAt(path)
	if err != nil {
		return err
	}
	for key, raw := range item {
		verb, known := operations[key]
		if !known {
			continue
		}
		var op operation
		if err := json.Unmarshal(raw, &op); err != nil {
			return fmt.Errorf("path %s %s: %w", path, verb, err)
		}
		method, err := newMethod(path, op, doc)
		if err == nil {
			err = method.expect(verb, op, doc)
		}
		if err != nil {
			return fmt.Errorf("unable to put integration on %q for resource at path %q: %w", verb, path, err)
		}
		node.methods[verb] = method
	}
	return nil
}

func (d *Definition) resourceAt(path string) (*resource, error) {
	if !strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("path %q must start with /", path)
	}
	node := d.root
	if path == "/" {
		return node, nil
	}
	parts := strings.Split(path[1:], "/")
	for i, part := range parts {
		switch {
		case literalPart.MatchString(part):
			if node.literals[part] == nil {
				node.literals[part] = newResource("/" + strings.Join(parts[:i+1], "/"))
			}
			node = node.literals[part]
		case variablePart.MatchString(part):
			slot, isGreedy := &node.variable, strings.HasSuffix(part, "+}")
			if isGreedy {
				if slot = &node.greedy; i != len(parts)-1 {
					return nil, fmt.Errorf("path %q: a greedy variable must be the last part", path)
				}
			}
			name := strings.Trim(part, "{+}")
			if *slot == nil {
				*slot = newResource("/" + strings.Join(parts[:i+1], "/"))
				(*slot).name = name
			} else if (*slot).name != name {
				return nil, fmt.Errorf("a sibling ({%s}) of this resource already has a variable path part -- only one is allowed", (*slot).name)
			}
			node = *slot
		default:
			return nil, fmt.Errorf("path %q: resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable", path)
		}
	}
	return node, nil
}

func newMethod(path string, op operation, doc document) (*Method, error) {
	m := &Method{ResourcePath: path, parameters: map[string]bool{}}
	for _, p := range op.Parameters {
		m.parameters["method.request."+locationOf(p.In)+"."+p.Name] = true
	}
	for _, requirement := range op.Security {
		for name := range requirement {
			scheme, defined := doc.Components.SecuritySchemes[name]
			if !defined {
				return nil, fmt.Errorf("security scheme %q is not defined", name)
			}
			m.require(scheme, requirement[name])
		}
	}
	if op.Integration == nil {
		return nil, fmt.Errorf("no integration defined for method")
	}
	m.Integration = *op.Integration
	return m, m.checkIntegration()
}

func (m *Method) require(scheme securityScheme, scopes []string) {
	switch {
	case scheme.AuthType == "awsSigv4":
		m.IAM = true
	case scheme.Authorizer != nil:
		m.Authorizer, m.Scopes = scheme.Authorizer, scopes
	case scheme.In == "header" && strings.EqualFold(scheme.Name, "x-api-key"):
		m.APIKeyRequired = true
	}
}

func locationOf(in string) string {
	if in == "query" {
		return "querystring"
	}
	return in
}

func (m *Method) checkIntegration() error {
	i := m.Integration
	if i.Type != "http_proxy" {
		return fmt.Errorf("integration type %q is not served by the local target", i.Type)
	}
	if target, err := url.Parse(strings.NewReplacer("{", "", "}", "").Replace(i.URI)); err != nil || target.Host == "" ||
		(target.Scheme != "http" && target.Scheme != "https") {
		return fmt.Errorf("invalid HTTP endpoint specified for URI %q", i.URI)
	}
	if i.ConnectionType == "VPC_LINK" && i.ConnectionID == "" {
		return fmt.Errorf("connection ID is required when the connection type is VPC_LINK")
	}
	if i.TimeoutInMillis < 50 || i.TimeoutInMillis > IntegrationTime.Max {
		return fmt.Errorf("timeout should be between 50 ms and %d ms", IntegrationTime.Max)
	}
	for _, parameter := range i.CacheKeyParameters {
		if !m.parameters[parameter] {
			return fmt.Errorf("invalid cache key parameter specified: %s", parameter)
		}
	}
	for to, from := range i.RequestParameters {
		if !mappingTarget.MatchString(to) {
			return fmt.Errorf("invalid mapping expression specified: %s", to)
		}
		if !mappingSource.MatchString(from) {
			return fmt.Errorf("invalid mapping expression specified: %s", from)
		}
		if strings.HasPrefix(from, "method.request.") && !m.parameters[from] {
			return fmt.Errorf("invalid mapping expression parameter specified: %s", from)
		}
	}
	return nil
}

// Methods lists every method, sorted by path.
func (d *Definition) Methods() []*Method {
	var methods []*Method
	var walk func(*resource)
	walk = func(node *resource) {
		for _, verb := range sortedKeys(node.methods) {
			methods = append(methods, node.methods[verb])
		}
		for _, part := range sortedKeys(node.literals) {
			walk(node.literals[part])
		}
		for _, child := range []*resource{node.variable, node.greedy} {
			if child != nil {
				walk(child)
			}
		}
	}
	walk(d.root)
	return methods
}

// Match finds the method for a request's path, still percent-encoded and without the stage, and the values
// of the path's variables. The resource is chosen by path alone: a literal part wins over a variable, and that
// over a greedy one. A slash at the end is dropped. ANY stands for seven methods:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html#setup-method-add-http-method
func (d *Definition) Match(verb, path string) (*Method, map[string]string) {
	variables := map[string]string{}
	node := d.root
	if trimmed := strings.TrimPrefix(path, "/"); trimmed != "" {
		node = d.root.match(strings.Split(trimmed, "/"), variables)
	}
	if node == nil {
		return nil, variables
	}
	if m := node.methods[verb]; m != nil {
		return m, variables
	}
	if !slices.Contains(anyOf, verb) {
		return nil, variables
	}
	return node.methods[AnyMethod], variables
}

var anyOf = []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}

func (r *resource) match(parts []string, variables map[string]string) *resource {
	if len(parts) == 0 || (len(parts) == 1 && parts[0] == "") {
		return r
	}
	if child := r.literals[parts[0]]; child != nil {
		if found := child.match(parts[1:], variables); found != nil {
			return found
		}
	}
	if child := r.variable; child != nil && parts[0] != "" {
		if found := child.match(parts[1:], variables); found != nil {
			variables[child.name] = parts[0]
			return found
		}
	}
	if r.greedy != nil {
		variables[r.greedy.name] = strings.TrimSuffix(strings.Join(parts, "/"), "/")
		return r.greedy
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
