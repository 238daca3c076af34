package openapi

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// GatewayResponse replaces what API Gateway itself answers in one case.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
type GatewayResponse struct {
	// Type is the case, for example THROTTLED or DEFAULT_4XX.
	Type string `pulumi:"type"`
	// Status is another HTTP status; 0 leaves it.
	Status int `pulumi:"status,optional"`
	// Headers are added to the answer.
	Headers map[string]string `pulumi:"headers,optional"`
	// Body is the answer as application/json, in which $context variables may stand; empty leaves it.
	Body string `pulumi:"body,optional"`
}

// GatewayResponseTypes are the cases that API Gateway knows.
var GatewayResponseTypes = []string{
	"ACCESS_DENIED", "API_CONFIGURATION_ERROR", "AUTHORIZER_CONFIGURATION_ERROR", "AUTHORIZER_FAILURE", "BAD_REQUEST_BODY",
	"BAD_REQUEST_PARAMETERS", "DEFAULT_4XX", "DEFAULT_5XX", "EXPIRED_TOKEN", "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT",
	"INVALID_API_KEY", "INVALID_SIGNATURE", "MISSING_AUTHENTICATION_TOKEN", "QUOTA_EXCEEDED", "REQUEST_TOO_LARGE",
	"RESOURCE_NOT_FOUND", "THROTTLED", "UNAUTHORIZED", "UNSUPPORTED_MEDIA_TYPE", "WAF_FILTERED",
}

var (
	headerName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)
	headerText = regexp.MustCompile(`^[\x20-\x26\x28-\x7e]*$`)
)

// CheckGatewayResponses reports every problem of the responses.
func CheckGatewayResponses(responses []GatewayResponse) error {
	var problems []error
	seen := map[string]bool{}
	for _, r := range responses {
		place := "gateway response " + r.Type
		if !slices.Contains(GatewayResponseTypes, r.Type) {
			problems = append(problems, fmt.Errorf("%s: the type is not one of %s", place, strings.Join(GatewayResponseTypes, ", ")))
		}
		if seen[r.Type] {
			problems = append(problems, fmt.Errorf("%s is declared twice", place))
		}
		seen[r.Type] = true
		if r.Status != 0 && (r.Status < 400 || r.Status > 599) {
			problems = append(problems, fmt.Errorf("%s: status %d is not from 400 to 599", place, r.Status))
		}
		for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
			if !headerName.MatchString(name) || !headerText.MatchString(r.Headers[name]) {
				problems = append(problems, fmt.Errorf("%s: header %q: names have letters, digits and hyphens, values no apostrophe and nothing "+
					"outside ASCII", place, name))
			}
		}
	}
	return errors.Join(problems...)
}

type gatewayResponse struct {
	StatusCode         string            `json:"statusCode,omitempty"`
	ResponseParameters map[string]string `json:"responseParameters,omitempty"`
	ResponseTemplates  map[string]string `json:"responseTemplates,omitempty"`
}

func (r GatewayResponse) extension() gatewayResponse {
	e := gatewayResponse{}
	if r.Status != 0 {
		e.StatusCode = fmt.Sprint(r.Status)
	}
	for name, value := range r.Headers {
		if e.ResponseParameters == nil {
			e.ResponseParameters = map[string]string{}
		}
		e.ResponseParameters["gatewayresponse.header."+name] = "'" + value + "'"
	}
	if r.Body != "" {
		e.ResponseTemplates = map[string]string{"application/json": r.Body}
	}
	return e
}
