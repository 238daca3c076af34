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

// integrationTimeoutMillis is the longest that every account may use
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html).
const integrationTimeoutMillis = 29000

// greedy is API Gateway's path variable for one or more further segments.
const greedy = "{proxy+}"

type openAPI struct {
	OpenAPI     string              `json:"openapi"`
	Info        openAPIInfo         `json:"info"`
	Paths       map[string]pathItem `json:"paths"`
	Components  openAPIComponents   `json:"components"`
	BinaryTypes []string            `json:"x-amazon-apigateway-binary-media-types"`
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

type pathItem struct {
	AnyMethod method `json:"x-amazon-apigateway-any-method"`
}

type method struct {
	Parameters  []parameter           `json:"parameters,omitempty"`
	Responses   map[string]any        `json:"responses"`
	Security    []map[string][]string `json:"security"`
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
	TimeoutInMillis     int               `json:"timeoutInMillis"`
}

// sigV4 is the security scheme by which API Gateway knows AWS_IAM authorization:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authtype.html
const sigV4 = "sigv4"

// OpenAPI renders the API's definition: an OpenAPI 3.0 document with API Gateway extensions in which
// every method requires AWS_IAM authorization and goes through link. A Prefix route becomes the path
// and the path with a greedy variable below it. NGINX chooses the backend of whatever is admitted.
func (t *Table) OpenAPI(title string, link PrivateLink) ([]byte, error) {
	document := openAPI{
		OpenAPI:     "3.0.1",
		Info:        openAPIInfo{Title: title, Version: "1"},
		Paths:       map[string]pathItem{},
		BinaryTypes: []string{"*/*"},
		Components: openAPIComponents{SecuritySchemes: map[string]securityScheme{
			sigV4: {Type: "apiKey", Name: "Authorization", In: "header", AuthType: "awsSigv4"},
		}},
	}
	for _, r := range t.Routes {
		if _, taken := document.Paths[r.Path]; !taken {
			document.Paths[r.Path] = pathItem{AnyMethod: anyMethod(r, r.Path, link)}
		}
		if r.Match == Prefix {
			below := strings.TrimSuffix(r.Path, "/") + "/" + greedy
			document.Paths[below] = pathItem{AnyMethod: anyMethod(r, below, link)}
		}
	}
	return json.Marshal(document)
}

func anyMethod(r Route, path string, link PrivateLink) method {
	result := method{
		Responses: map[string]any{"default": map[string]string{"description": "the backend's answer"}},
		Security:  []map[string][]string{{sigV4: {}}},
		Integration: integration{
			Type:           "http_proxy",
			HTTPMethod:     "ANY",
			URI:            fmt.Sprintf("http://%s%s%s", link.Host, portSuffix(r.Backend.Port), strings.Replace(path, greedy, "{proxy}", 1)),
			ConnectionType: "VPC_LINK",
			ConnectionID:   link.ConnectionID,
			RequestParameters: map[string]string{
				"integration.request.header." + requestIDHeader: "context.requestId",
				"integration.request.header." + clientIPHeader:  "context.identity.sourceIp",
			},
			PassthroughBehavior: "when_no_match",
			TimeoutInMillis:     integrationTimeoutMillis,
		},
	}
	if strings.HasSuffix(path, greedy) {
		result.Parameters = []parameter{{Name: "proxy", In: "path", Required: true, Schema: map[string]string{"type": "string"}}}
		result.Integration.RequestParameters["integration.request.path.proxy"] = "method.request.path.proxy"
	}
	return result
}

func portSuffix(port int) string {
	if port == 80 {
		return ""
	}
	return fmt.Sprintf(":%d", port)
}
