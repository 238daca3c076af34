package dataplane

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/identity"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
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
	release  *release
	method   *restapi.Method
	// path is the request's path below the stage, percent-encoded; variables are those of the resource's path.
	path      string
	variables map[string]string
	query     string
	body      []byte
	requestID string
	sourceIP  string
	principal identity.Principal
	// vpcEndpoint is the one through which a private API was called.
	vpcEndpoint string
	// principalID is whom an authorizer found.
	principalID string
	apiKeyID    string
	started     time.Time

	status            int
	integrationStatus int
	written           int64
	problem           string
	// integrationTook is how long the integration needed for its answer's head, and kind the type of API Gateway's own answer.
	integrationTook time.Duration
	kind            string
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
		x.release = nil
		x.refuse(forbidden)
		return
	}
	if headLength(x.r) > restapi.RequestHead.Max {
		x.refuse(headTooLarge)
		return
	}
	x.method, x.variables = x.release.definition.Match(x.r.Method, x.path)
	if x.method == nil {
		x.refuse(missingToken)
		return
	}
	var err error
	if x.query, err = encodedAgain(x.r.URL.RawQuery); err != nil {
		x.refuse(badRequest)
		return
	}
	if x.body, err = readAll(http.MaxBytesReader(x.w, x.r.Body, int64(restapi.RequestBody.Max)), x.r.ContentLength); err != nil {
		x.refuse(bodyTooLarge)
		return
	}
	for _, check := range []func() *answer{x.authorize, x.meter, x.throttle, x.validate} {
		if refusal := check(); refusal != nil {
			x.refuse(*refusal)
			return
		}
	}
	cache := x.settings().cache
	if cache != nil && x.fromCache(cache) {
		return
	}
	x.integrate(cache)
}

// headLength is what counts of a request's head: its line and the values of its headers.
func headLength(r *http.Request) int {
	length := len(r.Method) + len(" ") + len(r.RequestURI) + len(" ") + len(r.Proto) + len(r.Host)
	for _, values := range r.Header {
		for _, value := range values {
			length += len(value)
		}
	}
	return length
}

func (x *exchange) throttle() *answer {
	if limiter := x.settings().limiter; limiter != nil && !limiter.AllowN(x.front.d.now(), 1) {
		return &throttled
	}
	return nil
}

// validate looks at what a request validator wants.
func (x *exchange) validate() *answer {
	if missing := x.method.MissingParameters(x.value); len(missing) > 0 {
		refusal := badParameters
		refusal.message = fmt.Sprintf("Missing required request parameters: [%s]", strings.Join(missing, ", "))
		return &refusal
	}
	if !x.method.BodyIsValid(x.r.Header, x.body) {
		return &badBody
	}
	return nil
}

// findStage splits the stage off the path. What is behind it never reaches the backend.
func (x *exchange) findStage() bool {
	x.api = x.snapshot.apis[x.front.id]
	if x.api == nil {
		return false
	}
	if mapping, ok := x.api.mappingOf(x.domain()); ok {
		rest, below := strings.CutPrefix(x.r.URL.EscapedPath(), mapping.prefix)
		if !below || rest != "" && rest[0] != '/' {
			return false
		}
		return x.enter(mapping.stage, rest)
	}
	name, rest, _ := strings.Cut(strings.TrimPrefix(x.r.URL.EscapedPath(), "/"), "/")
	return x.ownName() && x.enter(name, rest) && !x.release.onlyDomain && x.throughEndpoint()
}

// enter finds the stage, and draws the release that serves the request. Slashes in front of the path collapse.
func (x *exchange) enter(stage, path string) bool {
	if x.stage, x.path = x.api.stages[stage], "/"+strings.TrimLeft(path, "/"); x.stage == nil {
		return false
	}
	x.release = x.stage.choose()
	return true
}

// ownName: the execute-api endpoint answers to its own name and, on this machine, to where it listens.
func (x *exchange) ownName() bool {
	host := x.domain()
	if address, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return address.IsLoopback()
	}
	return host == "localhost" || strings.HasPrefix(host, x.api.id) && strings.Contains(host, ".execute-api.") ||
		strings.HasSuffix(host, ".vpce.amazonaws.com")
}

// throughEndpoint: a private API is called through one of its VPC endpoints, which a client without private DNS
// asks for with a header. Here that header is the only sign of one.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-api-test-invoke-url.html
func (x *exchange) throughEndpoint() bool {
	if !x.release.private {
		return true
	}
	if len(x.api.vpcEndpoints) > 0 && x.r.Header.Get("X-Apigw-Api-Id") == x.api.id {
		x.vpcEndpoint = x.api.vpcEndpoints[0]
	}
	return x.vpcEndpoint != ""
}

// domain is the name that the client called, without the port.
func (x *exchange) domain() string {
	if host, _, err := net.SplitHostPort(x.r.Host); err == nil {
		return strings.ToLower(host)
	}
	return strings.ToLower(x.r.Host)
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
	asked := x.front.d.now()
	response, err := x.front.d.client.RoundTrip(request)
	x.integrationTook = x.front.d.now().Sub(asked)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		x.fail(&failure{http.StatusGatewayTimeout, timedOut, fmt.Sprintf("the backend did not answer within %s", timeout)})
	case err != nil:
		x.fail(&failure{http.StatusGatewayTimeout, networkError, err.Error()})
	default:
		defer response.Body.Close()
		x.integrationStatus = response.StatusCode
		body, failed := readWhole(response)
		if failed != nil {
			x.fail(failed)
			return
		}
		if cache != nil {
			x.remember(cache, response, body)
		}
		x.relay(response, body)
	}
}

// readAll reads what is announced to be so long, or -1, into memory of that size.
func readAll(r io.Reader, length int64) ([]byte, error) {
	var room []byte
	if length > 0 && length <= int64(restapi.ResponseBody.Max) {
		room = make([]byte, 0, length+bytes.MinRead)
	}
	body := bytes.NewBuffer(room)
	_, err := body.ReadFrom(r)
	return body.Bytes(), err
}

// readWhole has the whole answer before any of it is sent on, as API Gateway does.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
func readWhole(response *http.Response) ([]byte, *failure) {
	body, err := readAll(io.LimitReader(response.Body, int64(restapi.ResponseBody.Max)+1), response.ContentLength)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, &failure{http.StatusGatewayTimeout, timedOut, "the backend did not finish its answer in time"}
	case err != nil:
		return nil, &failure{http.StatusGatewayTimeout, networkError, fmt.Sprintf("the backend's answer was cut off: %s", err)}
	case len(body) > restapi.ResponseBody.Max:
		return nil, &failure{restapi.ResponseBody.Status, restapi.ResponseBody.Message,
			fmt.Sprintf("the backend's answer has more than %d bytes", restapi.ResponseBody.Max)}
	}
	return body, nil
}

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
	// A balancer that takes TLS from API Gateway ends it there: what reaches a target is plain.
	target.Scheme, target.Host, target.RawQuery = "http", address, x.query
	verb := integration.HTTPMethod
	if verb == restapi.AnyMethod {
		verb = x.r.Method
	}
	request, err := http.NewRequestWithContext(ctx, verb, target.String(), bytes.NewReader(x.body))
	if err != nil {
		return nil, err
	}
	request.Header = applied(x.r.Header, ToBackend)
	if _, sent := request.Header["User-Agent"]; !sent {
		// Go would name itself.
		request.Header["User-Agent"] = nil
	}
	request.Host = logicalHost
	x.forward(request.Header)
	for target, source := range integration.RequestParameters {
		if name, isHeader := strings.CutPrefix(target, "integration.request.header."); isHeader {
			// A mapping without a value sets nothing, and the client's header stays: recorded in LocalStack #11237.
			if value := x.value(source); value != "" {
				request.Header.Set(name, value)
			}
		}
	}
	return request, nil
}

// forward tells the backend about the client. This target is called at a port of its own and without TLS.
func (x *exchange) forward(header http.Header) {
	header.Set("X-Forwarded-For", x.sourceIP)
	header.Set("X-Forwarded-Proto", "http")
	header.Set("X-Forwarded-Port", portCalled(x.r.Host))
	header.Set("X-Amzn-Apigateway-Api-Id", x.api.id)
}

func portCalled(host string) string {
	if _, port, err := net.SplitHostPort(host); err == nil {
		return port
	}
	return "80"
}

// relay answers as the backend did.
func (x *exchange) relay(response *http.Response, body []byte) {
	for name, values := range applied(response.Header, ToClient) {
		x.w.Header()[name] = values
	}
	if x.w.Header().Get("Content-Type") == "" {
		x.w.Header().Set("Content-Type", "application/json")
	}
	x.status, x.written = response.StatusCode, int64(len(body))
	if bodyAllowed(response.StatusCode) {
		length := strconv.Itoa(len(body))
		if x.r.Method == http.MethodHead && response.ContentLength >= 0 {
			length = strconv.FormatInt(response.ContentLength, 10)
		}
		x.w.Header().Set("Content-Length", length)
	}
	x.w.WriteHeader(response.StatusCode)
	// A client that went away needs no answer.
	_, _ = x.w.Write(body)
}

func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// encodedAgain is a query as a backend gets it: API Gateway decodes it, and encodes it again. It takes a semicolon for the end
// of a parameter, and no bars or braces that are not encoded.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
func encodedAgain(query string) (string, error) {
	if strings.ContainsAny(query, "|{}") {
		return "", errors.New("a bar or a brace must be encoded")
	}
	var parameters []string
	for parameter := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, _ := strings.Cut(parameter, "=")
		decodedName, nameErr := url.QueryUnescape(name)
		decodedValue, valueErr := url.QueryUnescape(value)
		if err := errors.Join(nameErr, valueErr); err != nil {
			return "", err
		}
		parameters = append(parameters, spaceAsPercent(url.QueryEscape(decodedName))+"="+spaceAsPercent(url.QueryEscape(decodedValue)))
	}
	return strings.Join(parameters, "&"), nil
}

func spaceAsPercent(encoded string) string { return strings.ReplaceAll(encoded, "+", "%20") }

func stripVariables(uri string) string {
	return strings.NewReplacer("{", "", "}", "").Replace(uri)
}
