package explain

import (
	"strconv"
	"strings"
)

// Cause is a reason why a request is not answered as its client hoped.
type Cause struct {
	ID   string
	Step Step
	// Symptom is what the client sees.
	Symptom string
	Reason  string
	// Proof is what the logs say.
	Proof  string
	Remedy string
	shows  func(Evidence) bool
}

var (
	served  = Cause{ID: "served", Reason: "the service answered"}
	unknown = Cause{ID: "unknown", Reason: "no known cause fits what was logged",
		Remedy: "look at `status`, and at the logs of NGINX and of the service"}
)

// Causes in the order in which they are looked for. The response types are API Gateway's:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
var Causes = []Cause{
	{
		ID: "web-acl", Step: Firewall, Symptom: "403, Forbidden", Proof: "errorType `WAF_FILTERED`",
		Reason: "a rule of the web ACL blocks the request",
		Remedy: "find the rule in the web ACL's sampled requests or logs; let it count instead of block, or send another request",
		shows:  kind("WAF_FILTERED"),
	},
	{
		ID: "no-route", Step: Route, Symptom: "403, Missing Authentication Token",
		Proof:  "errorType `MISSING_AUTHENTICATION_TOKEN` and no resourcePath",
		Reason: "no route serves this method and path, or another host or stage was meant",
		Remedy: "compare with what `routes` prints; a route that is there since the last `up` only may need some seconds",
		shows: func(e Evidence) bool {
			return kind("MISSING_AUTHENTICATION_TOKEN")(e) && e.Access["resourcePath"] == ""
		},
	},
	{
		ID: "unsigned", Step: Access, Symptom: "403, Missing Authentication Token",
		Proof:  "errorType `MISSING_AUTHENTICATION_TOKEN` and a resourcePath",
		Reason: "the route wants a signature (SigV4), and the request has none",
		Remedy: "sign it, for service execute-api, or publish the route with the annotation auth: none",
		shows:  kind("MISSING_AUTHENTICATION_TOKEN"),
	},
	{
		ID: "clock", Step: Access, Symptom: "403, Signature expired, or not yet current", Proof: "error names the two times",
		Reason: "the client's clock and AWS's are more than five minutes apart",
		Remedy: "set the client's clock, and sign each request just before it is sent",
		shows:  message("Signature expired", "Signature not yet current"),
	},
	{
		ID: "scope", Step: Access, Symptom: "403, Credential should be scoped to ...", Proof: "error names the valid scope",
		Reason: "the request is signed for another region or another service",
		Remedy: "sign for service execute-api and the region of the API",
		shows:  message("Credential should be scoped"),
	},
	{
		ID: "unknown-key", Step: Access, Symptom: "403, The security token included in the request is invalid",
		Proof:  "error says so, and no caller",
		Reason: "AWS does not know the access key or the session token: it is deleted, inactive, new, or of another partition",
		Remedy: "take the key from `outputs`; a new key is known everywhere after some seconds",
		shows:  message("security token included in the request is"),
	},
	{
		ID: "signature", Step: Access, Symptom: "403, The request signature we calculated does not match",
		Proof:  "errorType `INVALID_SIGNATURE`",
		Reason: "the secret key is another one, or something between client and API changed what was signed",
		Remedy: "take the secret from `outputs --show-secrets`; no proxy may change path, query, host or signed headers",
		shows:  kind("INVALID_SIGNATURE"),
	},
	{
		ID: "policy", Step: Access, Symptom: "403, User ... is not authorized to perform: execute-api:Invoke",
		Proof:  "errorType `ACCESS_DENIED`, and the caller",
		Reason: "the API's resource policy, or the caller's own, does not let this caller in on this route",
		Remedy: "name the caller in clientArns or in the route's client-arns annotation; a caller of another account needs a policy of " +
			"its own too",
		shows: kind("ACCESS_DENIED"),
	},
	{
		ID: "token", Step: Access, Symptom: "401, Unauthorized", Proof: "errorType `UNAUTHORIZED`",
		Reason: "the authorizer got no token, or one that it does not accept",
		Remedy: "send a token of the right user pool, kind and scope in the authorizer's header",
		shows:  kind("UNAUTHORIZED"),
	},
	{
		ID: "token-expired", Step: Access, Symptom: "401, The incoming token has expired", Proof: "errorType `EXPIRED_TOKEN`",
		Reason: "the token has expired", Remedy: "get a new token", shows: kind("EXPIRED_TOKEN"),
	},
	{
		ID: "authorizer", Step: Access, Symptom: "500, null",
		Proof:  "errorType `AUTHORIZER_FAILURE` or `AUTHORIZER_CONFIGURATION_ERROR`",
		Reason: "the authorizer's function failed, did not answer in time, or returned no valid policy",
		Remedy: "look at the function's log; API Gateway needs the permission to invoke it",
		shows:  kind("AUTHORIZER_FAILURE", "AUTHORIZER_CONFIGURATION_ERROR"),
	},
	{
		ID: "api-key", Step: Limits, Symptom: "403, Forbidden", Proof: "errorType `INVALID_API_KEY`",
		Reason: "the route wants an API key, and the request has none or one that no usage plan of this stage knows",
		Remedy: "send a key of `outputs apiKeys` in X-Api-Key",
		shows:  kind("INVALID_API_KEY"),
	},
	{
		ID: "throttle", Step: Limits, Symptom: "429, Too Many Requests", Proof: "errorType `THROTTLED`",
		Reason: "more requests came than the route, the stage, the usage plan or the account lets pass",
		Remedy: "wait and try again with growing pauses, or raise the limit that applies",
		shows:  kind("THROTTLED"),
	},
	{
		ID: "quota", Step: Limits, Symptom: "429, Limit Exceeded", Proof: "errorType `QUOTA_EXCEEDED`",
		Reason: "the API key has used up the quota of its usage plan",
		Remedy: "wait for the next period, or raise the plan's quota",
		shows:  kind("QUOTA_EXCEEDED"),
	},
	{
		ID: "too-large", Step: Request, Symptom: "413, HTTP content length exceeded, or HTTP header is larger",
		Proof:  "errorType `REQUEST_TOO_LARGE`",
		Reason: "the body is larger than the 10 MB that API Gateway takes, or the request's line and headers than 10,240 bytes",
		Remedy: "send large files to S3, by a presigned URL; set fewer and shorter cookies",
		shows:  kind("REQUEST_TOO_LARGE"),
	},
	{
		ID: "invalid", Step: Request, Symptom: "400, Invalid request body, or Missing required request parameters",
		Proof:  "errorType `BAD_REQUEST_BODY` or `BAD_REQUEST_PARAMETERS`",
		Reason: "the request is not what the route's OpenAPI fragment asks for",
		Remedy: "compare it with the fragment, which `routes --openapi` prints",
		shows:  kind("BAD_REQUEST_BODY", "BAD_REQUEST_PARAMETERS"),
	},
	{
		ID: "unread", Step: Proxy, Symptom: "504, Endpoint request timed out",
		Proof:  "errorType `INTEGRATION_TIMEOUT`; NGINX's log does not have the request",
		Reason: "NGINX did not answer in time, and did not come to log the request",
		Remedy: "look at NGINX's pods with `status`: they hang, are overloaded, or are cut off from the load balancer",
		shows: func(e Evidence) bool {
			return kind("INTEGRATION_TIMEOUT")(e) && e.Proxy == nil && e.ProxyLogRead
		},
	},
	{
		ID: "slow", Step: Service, Symptom: "504, Endpoint request timed out", Proof: "errorType `INTEGRATION_TIMEOUT`",
		Reason: "the service took longer than the route's timeout, which is at most 29 seconds",
		Remedy: "make the service quicker, or answer at once and let the client ask for the result",
		shows:  kind("INTEGRATION_TIMEOUT"),
	},
	{
		ID: "link", Step: Link, Symptom: "500, Internal server error, or 504, Network error communicating with endpoint",
		Proof:  "errorType `INTEGRATION_FAILURE`; NGINX's log does not have the request",
		Reason: "no healthy NGINX pod is behind the load balancer, or VPC link, listener or a security group does not let through",
		Remedy: "`status` names the broken hop",
		shows: func(e Evidence) bool {
			return kind("INTEGRATION_FAILURE")(e) && (e.Proxy == nil || e.Proxy.answeredItself() && e.Proxy.Status < 400)
		},
	},
	{
		ID: "cut-off", Step: Service, Symptom: "504 or 500", Proof: "errorType `INTEGRATION_FAILURE`; NGINX's log has the request",
		Reason: "the answer ended too early, or is larger than the 10 MB that API Gateway takes",
		Remedy: "look at the service's log; give large answers by a presigned URL of S3",
		shows:  kind("INTEGRATION_FAILURE"),
	},
	{
		ID: "origin", Step: Proxy, Symptom: "403, Forbidden", Proof: "integrationStatus 403; NGINX asked nobody",
		Reason: "NGINX does not take the request for one of this API: its proof of origin is another one",
		Remedy: "run `up`: stage and NGINX are of different updates",
		shows:  byProxy(403),
	},
	{
		ID: "ambiguous", Step: Proxy, Symptom: "400, Bad Request", Proof: "integrationStatus 400; NGINX asked nobody",
		Reason: "the path can be read as one of a route with other access settings: by merged slashes, dot segments, or encoded characters",
		Remedy: "send the path in its plain form",
		shows:  byProxy(400),
	},
	{
		ID: "proxy-route", Step: Proxy, Symptom: "404, Not Found", Proof: "integrationStatus 404; NGINX asked nobody",
		Reason: "NGINX has no route for this host and path",
		Remedy: "call the host that the rule names; stage and NGINX may be of different updates: run `up`",
		shows:  byProxy(404),
	},
	{
		ID: "no-pod", Step: Service, Symptom: "503, Service Unavailable", Proof: "integrationStatus 503; no service answered",
		Reason: "no pod of the Service takes connections: there is none, none is ready, the port is wrong, or a network policy forbids it",
		Remedy: "`status` names the pods that are not ready, and why; compare the Service's port with the container's",
		shows:  byProxy(503),
	},
	{
		ID: "closed", Step: Service, Symptom: "502, Bad Gateway", Proof: "integrationStatus 502; the service gave no valid answer",
		Reason: "the service took the connection and closed it without a valid answer",
		Remedy: "look at the service's log: it crashed, or speaks another protocol on this port, as TLS or gRPC",
		shows:  byProxy(502),
	},
	{
		ID: "slow-by-proxy", Step: Service, Symptom: "504, Gateway Timeout", Proof: "integrationStatus 504; the service gave no answer",
		Reason: "the service took longer than the route's timeout",
		Remedy: "make the service quicker, or raise the route's timeout, up to 29 seconds",
		shows:  byProxy(504),
	},
	{
		ID: "service", Step: Service, Symptom: "any status from 400 on", Proof: "integrationStatus is the status, and the service's own",
		Reason: "the service itself gave this answer",
		Remedy: "look at the service's log for this request id, which it got as X-Request-Id",
		shows: func(e Evidence) bool {
			return e.Proxy != nil && !e.Proxy.answeredItself() && e.Proxy.Status >= 400
		},
	},
	{
		ID: "behind", Step: Proxy, Symptom: "any status from 400 on", Proof: "integrationStatus is the status",
		Reason: "NGINX or the service gave this answer; the log of NGINX, which says which of them, is not in reach",
		Remedy: "look for the request id in the logs of NGINX's pods: upstreamStatus is the service's answer",
		shows: func(e Evidence) bool {
			status, err := strconv.Atoi(e.Access["integrationStatus"])
			return err == nil && status >= 400 && e.Proxy == nil
		},
	},
}

func kind(types ...string) func(Evidence) bool {
	return func(e Evidence) bool {
		for _, t := range types {
			if e.Access["errorType"] == t {
				return true
			}
		}
		return false
	}
}

func message(parts ...string) func(Evidence) bool {
	return func(e Evidence) bool {
		for _, part := range parts {
			if strings.Contains(e.Access["error"], part) {
				return true
			}
		}
		return false
	}
}

// byProxy shows a status that NGINX gave without a service.
func byProxy(status int) func(Evidence) bool {
	return func(e Evidence) bool { return e.Proxy != nil && e.Proxy.Status == status && e.Proxy.answeredItself() }
}
