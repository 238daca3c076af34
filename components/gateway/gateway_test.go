package gateway

import (
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

const clientARN = "arn:aws:iam::111122223333:user/a"

func twoPorts(t *testing.T) *route.Table {
	t.Helper()
	ingresses, err := route.Parse("x", []byte(`
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: a}
spec:
  rules:
  - http:
      paths:
      - {path: /a, pathType: Exact, backend: {service: {name: s, port: {number: 80}}}}
      - {path: /b, pathType: Prefix, backend: {service: {name: s, port: {number: 8080}}}}`))
	require.NoError(t, err)
	table, err := route.Compile(ingresses, route.Options{Services: []route.Service{{Namespace: "default", Name: "s", Ports: []route.ServicePort{{Number: 80}, {Number: 8080}}}}})
	require.NoError(t, err)
	return table
}

func run(t *testing.T, change func(*Args)) *componenttest.Graph {
	t.Helper()
	args := &Args{
		Routes: twoPorts(t), VpcID: pulumi.String("vpc-1"), SubnetIDs: pulumi.StringArray{pulumi.String("subnet-1")},
		Nodes:      Nodes{SecurityGroupID: pulumi.String("sg-nodes"), AutoScalingGroup: pulumi.String("asg"), NodePort: 30080},
		ClientARNs: []string{clientARN},
	}
	change(args)
	return componenttest.Run(t, func(ctx *pulumi.Context) error {
		_, err := New(ctx, "g", args)
		return err
	})
}

func TestResourcePolicyKeepsEverybodyElseOut(t *testing.T) {
	policy, err := resourcePolicy([]string{"arn:aws:iam::111122223333:user/b", clientARN, clientARN, "arn:aws:iam::444455556666:root"})
	require.NoError(t, err)
	require.JSONEq(t, `{"Version":"2012-10-17","Statement":[
		{"Sid":"AllowCallers","Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*",
		 "Condition":{"ArnEquals":{"aws:PrincipalArn":["arn:aws:iam::111122223333:user/a","arn:aws:iam::111122223333:user/b"]}}},
		{"Sid":"AllowAccounts","Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*",
		 "Condition":{"StringEquals":{"aws:PrincipalAccount":["444455556666"]}}},
		{"Sid":"DenyEverybodyElse","Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*",
		 "Condition":{"ArnNotEquals":{"aws:PrincipalArn":["arn:aws:iam::111122223333:user/a","arn:aws:iam::111122223333:user/b"]},
		              "StringNotEquals":{"aws:PrincipalAccount":["444455556666"]}}}]}`, policy)
}

func TestClientUserMayInvokeOnlyThisStage(t *testing.T) {
	graph := run(t, func(a *Args) { a.ClientUser = true })
	require.JSONEq(t, `{"Version":"2012-10-17","Statement":[{"Sid":"InvokeTheAPI","Effect":"Allow","Action":"execute-api:Invoke",
		"Resource":"arn:aws:execute-api:us-east-1:111122223333:g/prod/*"}]}`, graph.One(t, "aws:iam/userPolicy:UserPolicy").Inputs["policy"].(string))
	require.Contains(t, graph.One(t, "aws:apigateway/restApi:RestApi").Inputs["policy"], "arn:aws:iam::111122223333:user/g-client")

	without := run(t, func(*Args) {})
	require.Empty(t, without.All("aws:iam/user:User"))
	require.Empty(t, without.All("aws:iam/accessKey:AccessKey"))
}

func TestOneListenerForEachBackendPort(t *testing.T) {
	graph := run(t, func(*Args) {})
	listeners := graph.All("aws:lb/listener:Listener")
	require.Len(t, listeners, 2)
	require.JSONEq(t, `{"port":80,"protocol":"TCP","defaultActions":[{"type":"forward","targetGroupArn":"arn:aws:mock:us-east-1:111122223333:g"}]}`,
		listeners[0].JSON(t, "port", "protocol", "defaultActions"))
	require.EqualValues(t, 8080, listeners[1].Inputs["port"])
}

func TestDeploymentFollowsDefinitionAndPolicy(t *testing.T) {
	trigger := func(change func(*Args)) any {
		return run(t, change).One(t, "aws:apigateway/deployment:Deployment").Inputs["triggers"].(map[string]any)["definition"]
	}
	before := trigger(func(*Args) {})
	require.Equal(t, before, trigger(func(*Args) {}), "the same input gives the same digest")
	require.NotEqual(t, before, trigger(func(a *Args) { a.ClientARNs = append(a.ClientARNs, "arn:aws:iam::111122223333:user/b") }), "policy")
	require.NotEqual(t, before, trigger(func(a *Args) { a.Routes.Routes = a.Routes.Routes[:1] }), "routes")
	require.False(t, run(t, func(*Args) {}).One(t, "aws:apigateway/deployment:Deployment").Options.DeleteBeforeReplace,
		"a stage must not lose its deployment")
}

func TestAccountLoggingIsOptInAndStays(t *testing.T) {
	require.Empty(t, run(t, func(*Args) {}).All("aws:apigateway/account:Account"))
	graph := run(t, func(a *Args) { a.ManageAccountLogging = true })
	account := graph.One(t, "aws:apigateway/account:Account")
	require.True(t, account.Options.RetainOnDelete)
	require.True(t, graph.One(t, "aws:iam/role:Role").Options.RetainOnDelete)
	require.Contains(t, graph.One(t, "aws:apigateway/stage:Stage").DependsOn, "aws:apigateway/account:Account g")
}

func TestSomebodyMustBeAllowed(t *testing.T) {
	require.ErrorContains(t, Args{LogRetentionDays: 30}.Validate("g"), "nobody may call the API")
	require.ErrorContains(t, Args{ClientARNs: []string{"x"}, LogRetentionDays: 2, StageName: "a-b"}.Validate("g"), "stage name")
}

func TestThrottleAndCacheAreMethodSettings(t *testing.T) {
	require.Empty(t, run(t, func(*Args) {}).All("aws:apigateway/methodSettings:MethodSettings"))
	graph := run(t, func(a *Args) {
		a.Routes.Routes[0].Settings = route.Behavior{Methods: []string{"GET"}, Cache: route.Cache{TTL: time.Minute, QueryKeys: []string{"page"}}}
		a.Routes.Routes[1].Settings = route.Behavior{Throttle: route.Throttle{Rate: 1.5}}
	})
	settings := graph.All("aws:apigateway/methodSettings:MethodSettings")
	require.Len(t, settings, 3)
	require.JSONEq(t, `{"methodPath":"a/GET","stageName":"prod","settings":{"cachingEnabled":true,"cacheTtlInSeconds":60,"cacheDataEncrypted":true,"requireAuthorizationForCacheControl":true}}`,
		settings[0].JSON(t, "methodPath", "stageName", "settings"))
	require.JSONEq(t, `{"methodPath":"b/ANY","settings":{"throttlingRateLimit":1.5,"throttlingBurstLimit":2}}`, settings[1].JSON(t, "methodPath", "settings"))
	require.Equal(t, "b/{proxy+}/ANY", settings[2].Inputs["methodPath"])
	require.Equal(t, true, graph.One(t, "aws:apigateway/stage:Stage").Inputs["cacheClusterEnabled"])
}

func TestCustomDomain(t *testing.T) {
	require.Empty(t, run(t, func(*Args) {}).All("aws:apigateway/domainName:DomainName"))
	graph := run(t, func(a *Args) { a.DomainName, a.CertificateARN = "api.example.com", "arn:certificate" })
	require.JSONEq(t, `{"domainName":"api.example.com","regionalCertificateArn":"arn:certificate","securityPolicy":"TLS_1_2","endpointConfiguration":{"types":"REGIONAL"}}`,
		graph.One(t, "aws:apigateway/domainName:DomainName").JSON(t, "domainName", "regionalCertificateArn", "securityPolicy", "endpointConfiguration"))
	require.JSONEq(t, `{"domainName":"api.example.com","restApi":"g-id","stageName":"prod","basePath":null}`,
		graph.One(t, "aws:apigateway/basePathMapping:BasePathMapping").JSON(t, "domainName", "restApi", "stageName", "basePath"))
	require.ErrorContains(t, Args{DomainName: "api.example.com", LogRetentionDays: 30}.Validate("g"), "takes both a domain name and a certificate")
}
