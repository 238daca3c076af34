package dataplane

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/identity"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
)

// Limits of REST APIs: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
const (
	maxPayload     = 10 << 20
	maxHeaderBytes = 10240
)

// front serves one REST API as its execute-api endpoint would.
type front struct {
	d  *DataPlane
	id string
}

// exchange is one request on its way.
type exchange struct {
	front    *front
	w        http.ResponseWriter
	r        *http.Request
	snapshot *snapshot
	api      *api
	stage    *stage
	method   *restapi.Method
	// path is the request's path below the stage, percent-encoded; variables are those of the resource's path.
	path      string
	variables map[string]string
	body      []byte
	requestID string
	sourceIP  string
	principal identity.Principal
	started   time.Time

	status            int
	integrationStatus int
	written           int64
	problem           string
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{front: f, w: w, r: r, snapshot: f.d.current(), requestID: requestID(), started: f.d.now()}
	x.sourceIP, _, _ = net.SplitHostPort(r.RemoteAddr)
	w.Header().Set("X-Amzn-Requestid", x.requestID)
	w.Header().Set("X-Amz-Apigw-Id", x.requestID[:8])
	x.serve()
	if x.stage != nil && x.stage.log != nil {
		x.stage.log.write(x)
	}
}

func (x *exchange) serve() {
	if !x.findStage() {
		x.refuse(http.StatusForbidden, "ForbiddenException", "Forbidden")
		return
	}
	x.method, x.variables = x.stage.definition.Match(x.r.Method, x.path)
	if x.method == nil {
		x.refuse(http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token")
		return
	}
	var err error
	if x.body, err = io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, maxPayload)); err != nil {
		x.refuse(http.StatusRequestEntityTooLarge, "RequestTooLargeException", "Request Too Long")
		return
	}
	if x.method.IAM && !x.authorize() {
		return
	}
	settings := x.settings()
	if settings.limiter != nil && !settings.limiter.AllowN(x.front.d.now(), 1) {
		x.refuse(http.StatusTooManyRequests, "TooManyRequestsException", "Too Many Requests")
		return
	}
	if settings.cache != nil && x.fromCache(settings.cache) {
		return
	}
	x.integrate(settings.cache)
}

// findStage splits the stage off the path. What is behind it never reaches the backend.
func (x *exchange) findStage() bool {
	x.api = x.snapshot.apis[x.front.id]
	if x.api == nil {
		return false
	}
	if x.stage = x.api.stageOf(x.domain()); x.stage != nil {
		x.path = x.r.URL.EscapedPath()
		return true
	}
	name, rest, _ := strings.Cut(strings.TrimPrefix(x.r.URL.EscapedPath(), "/"), "/")
	x.stage = x.api.stages[name]
	x.path = "/" + rest
	return x.stage != nil
}

// domain is the name that the client called, without the port.
func (x *exchange) domain() string {
	if host, _, err := net.SplitHostPort(x.r.Host); err == nil {
		return strings.ToLower(host)
	}
	return strings.ToLower(x.r.Host)
}

func (x *exchange) authorize() bool {
	principal, refusal := x.api.verifier.Verify(x.r, x.body)
	if refusal != nil {
		x.refuse(http.StatusForbidden, refusal.Type, refusal.Message)
		return false
	}
	x.principal = principal
	resource := fmt.Sprintf("arn:%s:execute-api:%s:%s:%s/%s/%s%s", awsrules.Partition, x.api.region, awsrules.Account, x.api.id, x.stage.name, x.r.Method, x.path)
	request := identity.Request{Principal: principal, Action: "execute-api:Invoke", Resource: resource, Context: x.conditionKeys()}
	decision := identity.Authorize(request, awsrules.Account, x.snapshot.policies[principal.ARN], x.stage.policy)
	if decision == identity.Allow {
		return true
	}
	explicit := ""
	if decision == identity.Deny {
		explicit = " with an explicit deny"
	}
	hidden := strings.Replace(resource, awsrules.Account, "********"+awsrules.Account[8:], 1)
	x.problem = "AccessDeniedException"
	x.w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
	// This one body has a capital M.
	x.sendJSON(http.StatusForbidden, map[string]string{"Message": fmt.Sprintf("User: %s is not authorized to perform: execute-api:Invoke on resource: %s%s", principal.ARN, hidden, explicit)})
	return false
}

func (x *exchange) conditionKeys() map[string][]string {
	keys := map[string][]string{
		"aws:principalarn":     {x.principal.ARN},
		"aws:principalaccount": {x.principal.Account},
		"aws:principaltype":    {"User"},
		"aws:username":         {x.principal.UserName},
		"aws:userid":           {x.principal.UserID},
		"aws:sourceip":         {x.sourceIP},
		"aws:securetransport":  {"true"},
		"aws:currenttime":      {x.started.UTC().Format(time.RFC3339)},
		"aws:epochtime":        {strconv.FormatInt(x.started.Unix(), 10)},
	}
	if agent := x.r.UserAgent(); agent != "" {
		keys["aws:useragent"] = []string{agent}
	}
	if referer := x.r.Referer(); referer != "" {
		keys["aws:referer"] = []string{referer}
	}
	return keys
}

// integrate sends the request on and relays the answer, which cache keeps unless it is nil.
func (x *exchange) integrate(cache *responseCache) {
	hop := x.snapshot.hop(x.front.d, x.method.Integration)
	if hop.failure != nil {
		x.fail(hop.failure)
		return
	}
	timeout := time.Duration(x.method.Integration.TimeoutInMillis) * time.Millisecond
	ctx, cancel := context.WithTimeout(x.r.Context(), timeout)
	defer cancel()
	request, err := x.integrationRequest(ctx, hop.next(&x.front.d.turn))
	if err != nil {
		x.fail(&failure{http.StatusInternalServerError, internalError, err.Error()})
		return
	}
	response, err := x.front.d.client.RoundTrip(request)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		x.fail(&failure{http.StatusGatewayTimeout, timedOut, fmt.Sprintf("the backend did not answer within %s", timeout)})
	case err != nil:
		x.fail(&failure{http.StatusGatewayTimeout, networkError, err.Error()})
	default:
		defer response.Body.Close()
		x.integrationStatus = response.StatusCode
		if cache != nil {
			if err := x.remember(cache, response); err != nil {
				x.fail(&failure{http.StatusGatewayTimeout, networkError, err.Error()})
				return
			}
		}
		x.relay(response)
	}
}

// hopHeaders belong to one connection and are not passed on.
var hopHeaders = []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

func (x *exchange) integrationRequest(ctx context.Context, address string) (*http.Request, error) {
	integration := x.method.Integration
	uri := integration.URI
	for target, source := range integration.RequestParameters {
		if name, isPath := strings.CutPrefix(target, "integration.request.path."); isPath {
			uri = strings.ReplaceAll(uri, "{"+name+"}", x.value(source))
		}
	}
	target, err := url.Parse(uri)
	if err != nil {
		return nil, fmt.Errorf("integration URI: %w", err)
	}
	logicalHost := target.Host
	target.Host, target.RawQuery = address, x.r.URL.RawQuery
	verb := integration.HTTPMethod
	if verb == restapi.AnyMethod {
		verb = x.r.Method
	}
	request, err := http.NewRequestWithContext(ctx, verb, target.String(), strings.NewReader(string(x.body)))
	if err != nil {
		return nil, err
	}
	request.Header = x.r.Header.Clone()
	for _, name := range hopHeaders {
		request.Header.Del(name)
	}
	if x.method.IAM {
		// A signature for API Gateway is nobody else's business.
		request.Header.Del("Authorization")
	}
	request.Host = logicalHost
	request.Header.Set("User-Agent", "AmazonAPIGateway_"+x.api.id)
	request.Header.Set("X-Amzn-Apigateway-Api-Id", x.api.id)
	for target, source := range integration.RequestParameters {
		if name, isHeader := strings.CutPrefix(target, "integration.request.header."); isHeader {
			request.Header.Set(name, x.value(source))
		}
	}
	return request, nil
}

// value evaluates the right-hand side of a parameter mapping:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html
func (x *exchange) value(source string) string {
	if literal, ok := strings.CutPrefix(source, "'"); ok {
		return strings.TrimSuffix(literal, "'")
	}
	if name, ok := strings.CutPrefix(source, "method.request.path."); ok {
		return x.variables[name]
	}
	if name, ok := strings.CutPrefix(source, "method.request.header."); ok {
		return x.r.Header.Get(name)
	}
	if name, ok := strings.CutPrefix(source, "method.request.querystring."); ok {
		return x.r.URL.Query().Get(name)
	}
	return x.context(strings.TrimPrefix(source, "context."))
}

// context is a $context variable; empty when it has no value.
func (x *exchange) context(name string) string {
	switch name {
	case "requestId", "extendedRequestId":
		return x.requestID
	case "apiId":
		return x.api.id
	case "stage":
		return x.stage.name
	case "domainName":
		return x.domain()
	case "httpMethod":
		return x.r.Method
	case "path":
		return x.r.URL.EscapedPath()
	case "protocol":
		return x.r.Proto
	case "resourcePath":
		if x.method != nil {
			return x.method.ResourcePath
		}
	case "identity.sourceIp":
		return x.sourceIP
	case "identity.userAgent":
		return x.r.UserAgent()
	case "identity.userArn", "identity.caller":
		return x.principal.ARN
	case "requestTime":
		return x.started.UTC().Format("02/Jan/2006:15:04:05 -0700")
	case "requestTimeEpoch":
		return strconv.FormatInt(x.started.UnixMilli(), 10)
	case "status":
		return strconv.Itoa(x.status)
	case "responseLength":
		return strconv.FormatInt(x.written, 10)
	case "responseLatency":
		return strconv.FormatInt(x.front.d.now().Sub(x.started).Milliseconds(), 10)
	case "integration.status":
		if x.integrationStatus != 0 {
			return strconv.Itoa(x.integrationStatus)
		}
	case "error.message":
		return x.problem
	}
	return ""
}

// remapped headers come from API Gateway itself; the backend's own get another name.
var remapped = map[string]bool{"Connection": true, "Date": true, "Server": true, "Content-Length": true}

func (x *exchange) relay(response *http.Response) {
	header := x.w.Header()
	for name, values := range response.Header {
		if remapped[name] {
			name = "X-Amzn-Remapped-" + name
		}
		header[name] = values
	}
	for _, name := range hopHeaders {
		header.Del(name)
	}
	x.status = response.StatusCode
	if response.ContentLength >= 0 {
		header.Set("Content-Length", strconv.FormatInt(response.ContentLength, 10))
	}
	x.w.WriteHeader(response.StatusCode)
	written, err := io.Copy(x.w, response.Body)
	x.written = written
	if err != nil {
		x.problem = networkError
		x.front.d.log.Warn("answer was cut off", "requestId", x.requestID, "error", err.Error())
	}
}

// fail answers for a chain that does not hold. The reason, which AWS keeps to itself, is in a header and in the log.
func (x *exchange) fail(f *failure) {
	x.front.d.log.Warn("request failed", "requestId", x.requestID, "status", f.status, "reason", f.reason)
	x.w.Header().Set("X-Local-Target-Reason", headerSafe.ReplaceAllString(f.reason, " "))
	x.refuse(f.status, map[int]string{500: "InternalServerErrorException", 504: "GatewayTimeoutException"}[f.status], f.message)
}

var headerSafe = regexp.MustCompile(`[^\x20-\x7E]+`)

func (x *exchange) refuse(status int, kind, message string) {
	x.problem = message
	x.w.Header().Set("X-Amzn-Errortype", kind)
	x.sendJSON(status, map[string]string{"message": message})
}

func (x *exchange) sendJSON(status int, body map[string]string) {
	encoded, err := json.Marshal(body)
	if err != nil {
		status, encoded = http.StatusInternalServerError, []byte(`{"message":"`+internalError+`"}`)
	}
	x.status, x.written = status, int64(len(encoded))
	x.w.Header().Set("Content-Type", "application/json")
	x.w.Header().Set("Content-Length", strconv.Itoa(len(encoded)))
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		_, _ = x.w.Write(encoded)
	}
}

func stripVariables(uri string) string {
	return strings.NewReplacer("{", "", "}", "").Replace(uri)
}
