// Package library tests what users of the components rely on across packages: missing arguments are named, names can be
// changed, and the exported API stays.
package library

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/cluster"
	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/apigateway-ingress/apigateway-ingress/components/gateway"
	"github.com/apigateway-ingress/apigateway-ingress/components/location"
	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/apigateway-ingress/apigateway-ingress/components/podrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/proxy"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/components/workload"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

const manifest = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: a}
spec:
  ingressClassName: apigateway
  rules:
  - http:
      paths:
      - {path: /a, pathType: Prefix, backend: {service: {name: s, port: {number: 80}}}}`

func routes(t *testing.T) *route.Table {
	t.Helper()
	ingresses, err := ingress.Parse("x", []byte(manifest))
	require.NoError(t, err)
	known := []route.Service{{Namespace: "default", Name: "s", Ports: []route.ServicePort{{Number: 80}}}}
	table, err := ingress.Compile(ingresses, ingress.Options{Services: known})
	require.NoError(t, err)
	return table
}

// Nothing that a program may leave out panics: what must be there is named, with the component.
func TestMissingArgumentsAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		declare func(*pulumi.Context) error
		want    []string
	}{
		"network nil": {func(ctx *pulumi.Context) error { _, err := network.New(ctx, "n", nil); return err }, nil},
		"cluster nil": {func(ctx *pulumi.Context) error { _, err := cluster.New(ctx, "c", nil); return err }, []string{
			`cluster "c": Network.ID is required`, `cluster "c": Network.PrivateSubnetIDs is required`,
		}},
		"podrole nil": {func(ctx *pulumi.Context) error { _, err := podrole.New(ctx, "p", nil); return err }, []string{
			`pod role "p": Cluster.OIDCProviderARN and Cluster.OIDCIssuer are required for irsa`,
		}},
		"workload nil": {func(ctx *pulumi.Context) error { _, err := workload.New(ctx, "w", nil); return err }, []string{
			`service "w": ServiceName "" is not valid`, `service "w": Image is required`, `service "w": Port is required`,
		}},
		"proxy nil": {func(ctx *pulumi.Context) error { _, err := proxy.New(ctx, "x", nil); return err }, []string{
			`proxy "x": Routes is required`, `proxy "x": Namespace is required`,
		}},
		"gateway nil": {func(ctx *pulumi.Context) error { _, err := gateway.New(ctx, "team", nil); return err }, []string{
			`gateway "team": Routes is required`, `gateway "team": Network.ID is required`,
			`gateway "team": Target.Nodes.SecurityGroupID is required`,
			`gateway "team": Target.NodePort is required`, `gateway "team": nobody may call the API`,
		}},
		"platform nil": {func(ctx *pulumi.Context) error { _, err := platform.New(ctx, "shop", nil); return err }, []string{`platform "shop": `}},
		"existing cluster without anything": {func(ctx *pulumi.Context) error {
			_, err := cluster.New(ctx, "c", &cluster.Args{Settings: cluster.Settings{Existing: &cluster.Existing{}}})
			return err
		}, []string{`cluster "c": Existing.Name is required`, `cluster "c": Existing.Kubeconfig is required`,
			`cluster "c": Existing.Nodes.SecurityGroupID is required`}},
		"another region": {func(ctx *pulumi.Context) error {
			_, err := network.New(ctx, "n", &network.Args{Location: location.Location{Region: "eu-west-1"}})
			return err
		}, []string{`network "n": region eu-west-1 is not that of the AWS provider, us-east-1`}},
	} {
		t.Run(name, func(t *testing.T) {
			err := componenttest.TryRun(&componenttest.Graph{}, c.declare)
			if c.want == nil {
				require.NoError(t, err)
			}
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

// Two gateways of one program say which of them is wrong.
func TestErrorsSayWhichComponent(t *testing.T) {
	err := componenttest.TryRun(&componenttest.Graph{}, func(ctx *pulumi.Context) error {
		_, err := gateway.New(ctx, "partners", &gateway.Args{Routes: routes(t),
			Settings: gateway.Settings{Stage: gateway.Stage{LogRetentionDays: 2}}})
		return err
	})
	for _, line := range strings.Split(err.Error(), "\n") {
		if line = strings.TrimPrefix(strings.TrimSpace(line), "* "); line != "" && !strings.HasSuffix(line, "occurred:") {
			require.Regexp(t, `^gateway "partners": `, line)
		}
	}
	require.ErrorContains(t, err, "Stage.LogRetentionDays 2 is not a value of CloudWatch Logs")
}

// Whatever another resource may give is taken from one: nothing is declared inside ApplyT for it, so that preview shows
// everything.
func TestOutputsFlowIn(t *testing.T) {
	var graph componenttest.Graph
	require.NoError(t, componenttest.TryRun(&graph, func(ctx *pulumi.Context) error {
		// An elastic address stands for any resource: its id flows everywhere.
		other, err := ec2.NewEip(ctx, "other", nil)
		if err != nil {
			return err
		}
		text := other.ID().ToStringOutput()
		list := pulumi.StringArray{text, text}.ToStringArrayOutput()
		arns := pulumi.StringArray{pulumi.String("arn:aws:iam::111122223333:role/ops").ToStringOutput()}.ToStringArrayOutput()
		table, err := ingress.Parse("x", []byte(manifest))
		if err != nil {
			return err
		}
		_, err = platform.New(ctx, "shop", &platform.Args{
			Manifests: table,
			Services:  []platform.Service{{Name: "s", Spec: platform.Spec{Image: text, Port: 80}}},
			Network:   network.Settings{Existing: &network.VPC{ID: text, CIDR: text, PublicSubnetIDs: list, PrivateSubnetIDs: list}},
			Cluster:   cluster.Settings{SecretsKMSKeyARN: text, Admins: pulumi.StringArray{text}, PublicAccessCIDRs: list},
			Proxy:     proxy.Settings{Image: text},
			Gateway: gateway.Settings{
				Access: gateway.Access{ClientARNs: arns},
				Domain: gateway.Domain{Name: "api.example.com", CertificateARN: text, HostedZoneID: text},
				Stage:  gateway.Stage{LogKMSKeyARN: text, Variables: pulumi.StringMap{"a": text}},
				WebACL: gateway.WebACL{ARN: text},
				Alarms: gateway.Alarms{Enabled: true, TopicARNs: list},
			},
			Tags: pulumi.StringMap{"owner": text}.ToStringMapOutput(),
		})
		return err
	}))
	const other = "other-id"
	require.Equal(t, other, graph.One(t, "aws:apigateway/domainName:DomainName").Inputs["regionalCertificateArn"])
	require.Equal(t, other, graph.One(t, "aws:route53/record:Record").Inputs["zoneId"])
	require.Equal(t, other, graph.One(t, "aws:eks/accessEntry:AccessEntry").Inputs["principalArn"])
	require.Equal(t, other, graph.One(t, "aws:lb/targetGroup:TargetGroup").Inputs["vpcId"])
	require.Contains(t, graph.One(t, "aws:apigateway/restApi:RestApi").Inputs["policy"], "role/ops")
	require.Equal(t, map[string]any{"owner": other}, graph.One(t, "aws:apigateway/stage:Stage").Inputs["tags"])
}

// updatable are the inputs that may hold a component's name, because AWS changes them in place.
var updatable = []string{
	"aws:apigateway/restApi:RestApi description", "aws:apigateway/usagePlan:UsagePlan name", "aws:apigateway/vpcLink:VpcLink description",
	"aws:iam/role:Role description", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule description",
	"aws:cloudwatch/logMetricFilter:LogMetricFilter metricTransformation", "aws:cloudwatch/metricAlarm:MetricAlarm metricName",
	"aws:wafv2/webAcl:WebAcl rules", "aws:wafv2/webAcl:WebAcl visibilityConfig",
}

// The mocks' ids and ARNs hold names of resources; a real engine's do not change with a name.
var reference = regexp.MustCompile(`^(.*-id|arn:aws:[^ ]*)$`)

// A component that is renamed, with an alias, keeps its resources: no input that replaces one holds the component's name.
func TestNamesCanChange(t *testing.T) {
	const name = "quux"
	graph := componenttest.Run(t, func(ctx *pulumi.Context) error {
		table, err := ingress.Parse("x", []byte(manifest))
		if err != nil {
			return err
		}
		_, err = platform.New(ctx, name, &platform.Args{
			Manifests: table, Services: []platform.Service{{Name: "s", Spec: platform.Spec{Image: pulumi.String("i"), Port: 80}}}, ProxyName: "proxy",
			Network: network.Settings{InterfaceEndpoints: []string{"sqs"}, FlowLogDays: 7},
			Gateway: gateway.Settings{
				Endpoint: gateway.Endpoint{Type: gateway.Private, CreateVPCEndpoint: true}, Access: gateway.Access{ClientUser: true},
				UsagePlans: []gateway.UsagePlan{{Name: "gold", Keys: []string{"k"}}}, WebACL: gateway.WebACL{Managed: true},
				Alarms: gateway.Alarms{Enabled: true, Dashboard: true}, ManageAccountLogging: true,
			},
		})
		return err
	})
	require.NotContains(t, graph.One(t, "aws:apigateway/restApi:RestApi").Inputs["body"], `"title":"quux`)
	for _, r := range graph.Resources() {
		if strings.HasPrefix(r.Type, "apigateway-ingress:") {
			continue
		}
		for input, value := range r.Inputs {
			// Roles and users are named by their resources, whose names stay.
			if slices.Contains([]string{"tags", "role", "user", "serviceRole"}, input) || slices.Contains(updatable, r.Type+" "+input) {
				continue
			}
			for _, text := range texts(value) {
				if strings.Contains(text, name) && !reference.MatchString(text) && !strings.Contains(text, `"Statement"`) &&
					input != "dashboardBody" && input != "body" {
					t.Errorf("%s %s: %s is %q", r.Type, r.Name, input, text)
				}
			}
		}
	}
}

// texts are all texts in a value.
func texts(value any) []string {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, item := range v {
			all = append(all, texts(item)...)
		}
		return all
	case map[string]any:
		var all []string
		for _, item := range v {
			all = append(all, texts(item)...)
		}
		return all
	}
	return []string{fmt.Sprint(value)}
}
