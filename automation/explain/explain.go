// Package explain says where a request ended on its way through a stack, and why, from what was logged of it. It asks nobody:
// package operation brings the evidence. Causes is the list of everything that it can tell, which
// docs/troubleshooting.md shows as a table.
package explain

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Step is a part of the way from a client to a service.
type Step string

// Steps in the order in which a request takes them.
const (
	Firewall Step = "web ACL"
	Route    Step = "route"
	Access   Step = "authentication and policy"
	Limits   Step = "API key, quota and throttle"
	Request  Step = "request validation"
	Link     Step = "VPC link and load balancer"
	Proxy    Step = "NGINX"
	Service  Step = "service"
)

var steps = []Step{Firewall, Route, Access, Limits, Request, Link, Proxy, Service}

// Evidence is what is known of one request.
type Evidence struct {
	// Access is the line of the API's access log, by field. A field without a value is missing.
	Access map[string]string
	// Proxy is the line of NGINX's log. It is nil where NGINX did not see the request, or its log is not in reach.
	Proxy *ProxyEntry
	// ProxyLogRead says that NGINX's logs were in reach, so that a missing line means a request that did not arrive.
	ProxyLogRead bool
	// Reason is why the chain does not hold, in the words of the local target. AWS keeps it to itself.
	Reason string
}

// ProxyEntry is a line of NGINX's log.
type ProxyEntry struct {
	Status int `json:"status"`
	// Upstream is the address that NGINX asked; empty when it answered by itself.
	Upstream       string `json:"upstream"`
	UpstreamStatus string `json:"upstreamStatus"`
	// UpstreamHeader is the seconds until the service's header had come, "-" where none came. NGINX gives a status to a
	// service that closes the connection or is too slow as well.
	UpstreamHeader string `json:"upstreamHeader"`
}

// answeredItself is true for answers that no service gave.
func (p *ProxyEntry) answeredItself() bool {
	return p.UpstreamHeader == "" || strings.HasSuffix(p.UpstreamHeader, "-")
}

// Passed is a step and what became of the request there.
type Passed struct {
	Step Step `json:"step"`
	// Outcome is one of passed, ended, not reached.
	Outcome string `json:"outcome"`
}

// Diagnosis is what became of a request.
type Diagnosis struct {
	RequestID string `json:"requestId"`
	Method    string `json:"method"`
	Path      string `json:"path"`
	Status    int    `json:"status"`
	// Cause is the id of the cause, and served for a request that a service answered without an error.
	Cause  string   `json:"cause"`
	Step   Step     `json:"step"`
	Reason string   `json:"reason"`
	Remedy string   `json:"remedy,omitempty"`
	Steps  []Passed `json:"steps"`
	// Evidence are the facts that the diagnosis rests on.
	Evidence []string `json:"evidence"`
}

// Diagnose finds the first cause that the evidence shows.
func Diagnose(e Evidence) Diagnosis {
	status, _ := strconv.Atoi(e.Access["status"])
	d := Diagnosis{
		RequestID: e.Access["requestId"], Method: e.Access["httpMethod"], Path: e.Access["path"], Status: status,
		Cause: served.ID, Step: Service, Reason: served.Reason, Evidence: facts(e),
	}
	known := slices.IndexFunc(Causes, func(c Cause) bool { return c.shows(e) })
	switch {
	case known >= 0:
		c := Causes[known]
		d.Cause, d.Step, d.Reason, d.Remedy = c.ID, c.Step, c.Reason, c.Remedy
	case status >= 400:
		d.Cause, d.Step, d.Reason, d.Remedy = unknown.ID, lastReached(e), unknown.Reason, unknown.Remedy
	}
	d.Steps = walk(d)
	return d
}

// lastReached is the step that the evidence reaches, where no cause is known.
func lastReached(e Evidence) Step {
	switch {
	case e.Proxy != nil:
		return Proxy
	case e.Access["integrationStatus"] != "":
		return Link
	}
	return Access
}

func walk(d Diagnosis) []Passed {
	var passed []Passed
	end := slices.Index(steps, d.Step)
	for i, step := range steps {
		outcome := "passed"
		switch {
		case i == end && d.Cause != served.ID:
			outcome = "ended"
		case i > end:
			outcome = "not reached"
		}
		passed = append(passed, Passed{step, outcome})
	}
	return passed
}

// facts are the fields that somebody would look at.
func facts(e Evidence) []string {
	var list []string
	for _, field := range []string{
		"status", "errorType", "error", "resourcePath", "caller", "principalId", "apiKeyId", "authorizerError", "wafStatus",
		"integrationStatus", "integrationError", "responseLatency", "deploymentId", "domainName",
	} {
		if value := e.Access[field]; value != "" {
			list = append(list, "access log: "+field+" "+value)
		}
	}
	if e.Proxy != nil {
		list = append(list, "NGINX's log: status "+strconv.Itoa(e.Proxy.Status)+", asked "+cmp.Or(e.Proxy.Upstream, "nobody")+
			", which answered "+cmp.Or(e.Proxy.UpstreamStatus, "nothing"))
	} else if e.ProxyLogRead {
		list = append(list, "NGINX's log: does not have this request")
	}
	if e.Reason != "" {
		list = append(list, "local target: "+e.Reason)
	}
	return list
}
