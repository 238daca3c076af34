package gateway

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/openapi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

var ruleRow = regexp.MustCompile("(?m)^\\| `([A-Za-z]+)` \\| `([A-Za-z0-9]+)` \\| ([^|]+) \\| ([^|]+) \\| ([^|]+) \\|$")

// Every property that the gateway sets has a row in docs/contributing/aws-rules.md, which says what AWS wants of it.
func TestEveryPropertyHasItsRule(t *testing.T) {
	page, err := os.ReadFile("../../docs/contributing/aws-rules.md")
	require.NoError(t, err)
	rows := map[string]bool{}
	for _, row := range ruleRow.FindAllStringSubmatch(string(page), -1) {
		rows[row[1]+"."+row[2]] = true
	}
	everything := func(a *Args) {
		a.Tags = pulumi.StringMap{"a": pulumi.String("b")}
		a.Routes.Authorizers = []route.Authorizer{{Name: "gate", Type: route.AuthorizerToken,
			FunctionARN: "arn:aws:lambda:us-east-1:111122223333:function:gate:live"}}
		a.Routes.Routes[0].Behavior.Throttle = route.Throttle{Rate: 1, Burst: 1}
		a.Access.ClientUser, a.ManageAccountLogging = true, true
		a.Stage.Tracing, a.Stage.Metrics, a.Stage.ExecutionLogs = true, true, "ERROR"
		a.Stage.Variables = pulumi.StringMap{"a": pulumi.String("b")}
		a.Stage.LogKMSKeyARN = pulumi.String("arn:aws:kms:us-east-1:111122223333:key/0")
		a.Stage.Canary = Canary{Percent: 1, StableDeployment: "old"}
		a.Domain = Domain{
			Name: "api.example.com", HostedZoneID: pulumi.String("Z1"), BasePath: "v1", OnlyDomain: true,
			TruststoreURI: pulumi.String("s3://b/k"), TruststoreVersion: pulumi.String("1"),
		}
		a.Balancer = Balancer{CertificateARN: pulumi.String(certificateARN), ServerName: "p.example.com", DeletionProtection: true}
		a.WebACL = WebACL{Managed: true, Logs: true, Overrides: map[string]string{"BodySize": "count"}}
		a.UsagePlans = []UsagePlan{{Name: "p", Rate: 1, Burst: 1, Quota: 1, Period: "DAY", Keys: []string{"k"}}}
		a.Responses = []openapi.GatewayResponse{{Type: "THROTTLED", Status: 503}}
		a.Alarms = Alarms{Enabled: true, Dashboard: true, TopicARNs: pulumi.StringArray{pulumi.String("arn:aws:sns:us-east-1:111122223333:oncall")}}
	}
	private := func(a *Args) { a.Endpoint = Endpoint{Type: Private, CreateVPCEndpoint: true} }
	missing := map[string]bool{}
	for _, change := range []func(*Args){everything, private} {
		for _, r := range run(t, change).All("") {
			if !strings.HasPrefix(r.Type, "aws:") {
				continue
			}
			kind := r.Type[strings.LastIndexByte(r.Type, ':')+1:]
			for property := range r.Inputs {
				if !rows[kind+"."+property] {
					missing[fmt.Sprintf("| `%s` | `%s` |", kind, property)] = true
				}
			}
		}
	}
	require.Empty(t, missing, "add these rows to docs/contributing/aws-rules.md")
}
