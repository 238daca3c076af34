package explain

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
)

// refused is a line of the access log for an answer of API Gateway's own.
func refused(status, kind string, more map[string]string) Evidence {
	line := map[string]string{"status": status, "errorType": kind, "resourcePath": "/book/{proxy+}"}
	maps.Copy(line, more)
	return Evidence{Access: line, ProxyLogRead: true}
}

// behind is what is logged of an answer that came through NGINX. header is when the service's header came, "-" for never.
func behind(status string, proxy int, upstream, header string) Evidence {
	return Evidence{
		Access:       map[string]string{"status": status, "integrationStatus": status, "resourcePath": "/"},
		Proxy:        &ProxyEntry{Status: proxy, Upstream: upstream, UpstreamStatus: status, UpstreamHeader: header},
		ProxyLogRead: true,
	}
}

// Every cause is found in the evidence that its proof names, and no cause hides another.
func TestEveryCauseIsTold(t *testing.T) {
	timeout := refused("504", "INTEGRATION_TIMEOUT", nil)
	slow, cut := timeout, refused("504", "INTEGRATION_FAILURE", nil)
	slow.Proxy = &ProxyEntry{Status: 499, Upstream: "10.0.0.1:80", UpstreamHeader: "-"}
	cut.Proxy = &ProxyEntry{Status: 200, Upstream: "10.0.0.1:80", UpstreamStatus: "200", UpstreamHeader: "0.001"}
	outOfReach := behind("500", 0, "", "")
	outOfReach.Proxy, outOfReach.ProxyLogRead = nil, false
	noRoute := refused("403", "MISSING_AUTHENTICATION_TOKEN", nil)
	delete(noRoute.Access, "resourcePath")
	for id, e := range map[string]Evidence{
		"web-acl":  refused("403", "WAF_FILTERED", nil),
		"no-route": noRoute,
		"unsigned": refused("403", "MISSING_AUTHENTICATION_TOKEN", nil),
		"clock": refused("403", "INVALID_SIGNATURE", map[string]string{"error": "Signature expired: 20260101T000000Z is now " +
			"earlier than 20260101T000500Z"}),
		"scope":       refused("403", "INVALID_SIGNATURE", map[string]string{"error": "Credential should be scoped to a valid region."}),
		"unknown-key": refused("403", "ACCESS_DENIED", map[string]string{"error": "The security token included in the request is invalid."}),
		"signature": refused("403", "INVALID_SIGNATURE", map[string]string{"error": "The request signature we calculated does not " +
			"match the signature you provided."}),
		"policy":        refused("403", "ACCESS_DENIED", map[string]string{"error": "AccessDeniedException"}),
		"token":         refused("401", "UNAUTHORIZED", nil),
		"token-expired": refused("401", "EXPIRED_TOKEN", nil),
		"authorizer":    refused("500", "AUTHORIZER_FAILURE", nil),
		"api-key":       refused("403", "INVALID_API_KEY", nil),
		"throttle":      refused("429", "THROTTLED", nil),
		"quota":         refused("429", "QUOTA_EXCEEDED", nil),
		"too-large":     refused("413", "REQUEST_TOO_LARGE", nil),
		"invalid":       refused("400", "BAD_REQUEST_BODY", nil),
		"unread":        timeout,
		"slow":          slow,
		"link":          refused("500", "INTEGRATION_FAILURE", nil),
		"cut-off":       cut,
		"origin":        behind("403", 403, "", ""),
		"ambiguous":     behind("400", 400, "", ""),
		"proxy-route":   behind("404", 404, "", ""),
		"no-pod":        behind("503", 503, "10.0.0.1:80", "-"),
		"closed":        behind("502", 502, "10.0.0.1:80", "-"),
		"slow-by-proxy": behind("504", 504, "10.0.0.1:80", "-"),
		"service":       behind("502", 502, "10.0.0.1:80", "0.002"),
		"behind":        outOfReach,
		"unknown":       refused("400", "", nil),
		"served":        behind("200", 200, "10.0.0.1:80", "0.002"),
	} {
		d := Diagnose(e)
		require.Equal(t, id, d.Cause)
		require.NotEmpty(t, d.Reason, id)
		require.Len(t, d.Steps, len(steps), id)
		ended := 0
		for _, passed := range d.Steps {
			if passed.Outcome == "ended" {
				ended++
				require.Equal(t, d.Step, passed.Step, id)
			}
		}
		if id == "served" {
			require.Zero(t, ended)
			continue
		}
		require.Equal(t, 1, ended, id)
		require.NotEmpty(t, d.Remedy, id)
	}
}

// The table in the documentation has a row for each.
func TestCausesAreTold(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Causes {
		require.False(t, seen[c.ID], c.ID)
		seen[c.ID] = true
		for _, text := range []string{c.Symptom, c.Reason, c.Proof, c.Remedy} {
			require.NotEmpty(t, text, c.ID)
		}
		require.Contains(t, steps, c.Step, c.ID)
	}
	require.Len(t, seen, 28)
}
