package restapi

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Response replaces an answer of API Gateway itself.
type Response struct {
	// Status and Body are empty where the usual ones stay.
	Status  int
	Body    string
	Headers map[string]string
}

type rawResponse struct {
	StatusCode         string            `json:"statusCode"`
	ResponseParameters map[string]string `json:"responseParameters"`
	ResponseTemplates  map[string]string `json:"responseTemplates"`
}

// responseTypes and their usual status:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
var responseTypes = map[string]int{
	"ACCESS_DENIED": 403, "API_CONFIGURATION_ERROR": 500, "AUTHORIZER_CONFIGURATION_ERROR": 500, "AUTHORIZER_FAILURE": 500,
	"BAD_REQUEST_BODY": 400, "BAD_REQUEST_PARAMETERS": 400, "DEFAULT_4XX": 400, "DEFAULT_5XX": 500, "EXPIRED_TOKEN": 403,
	"INTEGRATION_FAILURE": 504, "INTEGRATION_TIMEOUT": 504, "INVALID_API_KEY": 403, "INVALID_SIGNATURE": 403,
	"MISSING_AUTHENTICATION_TOKEN": 403, "QUOTA_EXCEEDED": 429, "REQUEST_TOO_LARGE": 413, "RESOURCE_NOT_FOUND": 404,
	"THROTTLED": 429, "UNAUTHORIZED": 401, "UNSUPPORTED_MEDIA_TYPE": 415, "WAF_FILTERED": 403,
}

func (d *Definition) addResponses(raw map[string]rawResponse) error {
	var problems []error
	for _, kind := range sortedKeys(raw) {
		response, err := newResponse(raw[kind])
		if responseTypes[kind] == 0 {
			err = errors.New("the response type is not known")
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("gateway response %s: %w", kind, err))
		}
		d.responses[kind] = response
	}
	return errors.Join(problems...)
}

func newResponse(raw rawResponse) (Response, error) {
	r := Response{Headers: map[string]string{}, Body: raw.ResponseTemplates["application/json"]}
	if raw.StatusCode != "" {
		status, err := strconv.Atoi(raw.StatusCode)
		if err != nil || status < 200 || status > 599 {
			return r, fmt.Errorf("invalid status code %q", raw.StatusCode)
		}
		r.Status = status
	}
	for target, value := range raw.ResponseParameters {
		name, ok := strings.CutPrefix(target, "gatewayresponse.header.")
		if !ok || len(value) < 2 || value[0] != '\'' || value[len(value)-1] != '\'' {
			return r, fmt.Errorf("the local target takes fixed headers only, not %s: %s", target, value)
		}
		r.Headers[name] = value[1 : len(value)-1]
	}
	return r, nil
}

// Response finds what replaces an answer of a type, by itself or by the default for its class of status.
func (d *Definition) Response(kind string) (Response, bool) {
	fallback := "DEFAULT_4XX"
	if responseTypes[kind] >= 500 {
		fallback = "DEFAULT_5XX"
	}
	for _, name := range slices.Compact([]string{kind, fallback}) {
		if r, ok := d.responses[name]; ok {
			return r, true
		}
	}
	return Response{}, false
}
