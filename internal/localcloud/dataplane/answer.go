package dataplane

import (
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
)

// answer is one that API Gateway gives itself: its response type, status, error type and message.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
type answer struct {
	kind      string
	status    int
	errorType string
	message   string
}

const accessDenied = "AccessDeniedException"

var (
	// forbidden is what the front says before it knows an API; nothing replaces it.
	forbidden    = answer{"", http.StatusForbidden, "ForbiddenException", "Forbidden"}
	badRequest   = answer{"", http.StatusBadRequest, "BadRequestException", "Bad Request"}
	missingToken = answer{"MISSING_AUTHENTICATION_TOKEN", http.StatusForbidden, "MissingAuthenticationTokenException",
		"Missing Authentication Token"}
	headTooLarge  = answer{"REQUEST_TOO_LARGE", restapi.RequestHead.Status, "RequestTooLargeException", restapi.RequestHead.Message}
	bodyTooLarge  = answer{"REQUEST_TOO_LARGE", restapi.RequestBody.Status, "RequestTooLargeException", restapi.RequestBody.Message}
	throttled     = answer{"THROTTLED", http.StatusTooManyRequests, "TooManyRequestsException", "Too Many Requests"}
	quotaExceeded = answer{"QUOTA_EXCEEDED", http.StatusTooManyRequests, "LimitExceededException", "Limit Exceeded"}
	invalidKey    = answer{"INVALID_API_KEY", http.StatusForbidden, "ForbiddenException", "Forbidden"}
	unauthorized  = answer{"UNAUTHORIZED", http.StatusUnauthorized, "UnauthorizedException", "Unauthorized"}
	expired       = answer{"EXPIRED_TOKEN", http.StatusUnauthorized, "UnauthorizedException", "The incoming token has expired"}
	authorizerOut = answer{"AUTHORIZER_FAILURE", http.StatusInternalServerError, "AuthorizerConfigurationException", ""}
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
	authorizerMisconfigured = answer{"AUTHORIZER_CONFIGURATION_ERROR", http.StatusInternalServerError, "AuthorizerConfigurationException", ""}
	badParameters           = answer{"BAD_REQUEST_PARAMETERS", http.StatusBadRequest, "BadRequestException", ""}
	badBody                 = answer{"BAD_REQUEST_BODY", http.StatusBadRequest, "BadRequestException", "Invalid request body"}
)

// fail answers for a chain that does not hold. The reason, which AWS keeps to itself, is in a header and in the log.
func (x *exchange) fail(f *failure) {
	x.front.d.log.Warn("request failed", "requestId", x.requestID, "status", f.status, "reason", f.reason)
	x.w.Header().Set("X-Local-Target-Reason", headerSafe.ReplaceAllString(f.reason, " "))
	a := answer{"INTEGRATION_FAILURE", f.status, "InternalServerErrorException", f.message}
	if f.status == http.StatusGatewayTimeout {
		a.errorType = "GatewayTimeoutException"
	}
	if f.message == timedOut {
		a.kind = "INTEGRATION_TIMEOUT"
	}
	x.refuse(a)
}

var headerSafe = regexp.MustCompile(`[^\x20-\x7E]+`)

// refuse answers, in the way that the API's definition wants when it wants one.
func (x *exchange) refuse(a answer) {
	x.problem, x.kind = a.message, a.kind
	if a.errorType == accessDenied {
		x.problem = accessDenied
	}
	x.w.Header().Set("X-Amzn-Errortype", a.errorType)
	name := "message"
	if a.errorType == accessDenied {
		// This one body has a capital M.
		name = "Message"
	}
	// A nil message is what API Gateway says when it has none.
	var message any
	if a.message != "" {
		message = a.message
	}
	encoded, err := json.Marshal(map[string]any{name: message})
	if err != nil {
		a.status, encoded = http.StatusInternalServerError, []byte(`{"message":"`+internalError+`"}`)
	}
	x.send(x.replace(a, encoded))
}

// replace takes the definition's own response of this type, as far as it goes.
func (x *exchange) replace(a answer, body []byte) (int, []byte) {
	if x.release == nil || a.kind == "" {
		return a.status, body
	}
	replaced, ok := x.release.definition.Response(a.kind)
	if !ok {
		return a.status, body
	}
	for header, value := range replaced.Headers {
		x.w.Header().Set(header, value)
	}
	if replaced.Body != "" {
		body = []byte(x.fill(replaced.Body))
	}
	return cmp.Or(replaced.Status, a.status), body
}

var templateVariable = regexp.MustCompile(`\$context\.([A-Za-z.]+)`)

// fill puts $context variables into a response template.
func (x *exchange) fill(template string) string {
	return templateVariable.ReplaceAllStringFunc(template, func(found string) string {
		name := strings.TrimPrefix(found, "$context.")
		if name == "error.messageString" {
			return strconv.Quote(x.problem)
		}
		return escaped.Replace(x.context(name))
	})
}

func (x *exchange) send(status int, body []byte) {
	x.status, x.written = status, int64(len(body))
	x.w.Header().Set("Content-Type", "application/json")
	x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		// A client that went away needs no answer.
		_, _ = x.w.Write(body)
	}
}
