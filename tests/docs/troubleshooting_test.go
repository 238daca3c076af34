package docs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/automation/explain"
)

// docs/troubleshooting.md has what explain can tell.
func TestTroubleshootingPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Troubleshooting\n\nWhy a request is not answered as its client hoped. `apigw-ingress explain REQUEST_ID` finds " +
		"the row for you: it reads the " +
		"access log, and on the local target NGINX's, and says where the request ended. The request id is the header `x-amzn-RequestId` " +
		"of the answer; NGINX " +
		"logs it as requestId, and services get it as X-Request-Id. `apigw-ingress explain METHOD PATH` sends the request itself.\n\n" +
		"Proofs name fields of the access log, and `integrationStatus` is what NGINX answered. \"NGINX asked nobody\" is an empty " +
		"`upstream` in its log.\n\n" +
		"| the client sees | where it ended | why | proof | what to do |\n| --- | --- | --- | --- | --- |\n")
	for _, c := range explain.Causes {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", c.Symptom, c.Step, c.Reason, c.Proof, c.Remedy)
	}
	b.WriteString("\nIn CloudWatch Logs Insights, over the stack's log group:\n\n" +
		"    fields @timestamp, httpMethod, path, status, errorType, error, integrationStatus, caller\n" +
		"    | filter requestId = \"REQUEST_ID\"\n\n" +
		"    stats count(*) by status, errorType, resourcePath | sort status desc\n")
	page(t, "troubleshooting.md", b.String())
}
