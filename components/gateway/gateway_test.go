package gateway

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/openapi"
	"github.com/apigateway-ingress/apigateway-ingress/components/target"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

const (
	clientARN      = "arn:aws:iam::111122223333:user/a"
	certificateARN = "arn:aws:acm:us-east-1:111122223333:certificate/01234567-89ab-cdef-0123-456789abcdef"
)

func twoPorts(t testing.TB) *route.Table {
	t.Helper()
	ingresses, err := ingress.Parse("x", []byte(`
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
	table, err := ingress.Compile(ingresses, ingress.Options{Classless: true,
		Services: []route.Service{{Namespace: "default", Name: "s", Ports: []route.ServicePort{{Number: 80}, {Number: 8080}}}}})
	require.NoError(t, err)
	return table
}

var ownVPC = network.VPC{ID: pulumi.String("vpc-1"), CIDR: pulumi.String("10.0.0.0/16"), PrivateSubnetIDs: list("subnet-1")}

func nodes(port int) target.Target {
	return target.Target{Nodes: target.Nodes{SecurityGroupID: pulumi.String("sg-nodes"),
		AutoScalingGroups: pulumi.StringMap{"": pulumi.String("asg")}}, NodePort: pulumi.Int(port)}
}

func list(texts ...string) pulumi.StringArray { return pulumi.ToStringArray(texts) }

func run(t *testing.T, change func(*Args)) *componenttest.Graph {
	t.Helper()
	args := arguments(t, change)
	return componenttest.Run(t, func(ctx *pulumi.Context) error {
		_, err := New(ctx, "g", args)
		return err
	})
}

func arguments(t *testing.T, change func(*Args)) *Args {
	t.Helper()
	args := &Args{
		Routes: twoPorts(t), Network: ownVPC, Target: nodes(30080), Settings: Settings{Access: Access{ClientARNs: list(clientARN)}},
	}
	change(args)
	return args
}

func TestResourcePolicyKeepsEverybodyElseOut(t *testing.T) {
	policy, err := Settings{}.policy([]string{"arn:aws:iam::111122223333:user/b", clientARN, clientARN, "arn:aws:iam::444455556666:root"},
		nil, false).text()
	require.NoError(t, err)
	require.JSONEq(t, `{"Version":"2012-10-17","Statement":[
		{"Sid":"AllowCallers","Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*",
		 "Condition":{"ArnEquals":{"aws:PrincipalArn":["arn:aws:iam::111122223333:user/a","arn:aws:iam::111122223333:user/b"]}}},
		{"Sid":"AllowAccounts","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::444455556666:root"]},"Action":"execute-api:Invoke","Resource":"execute-api:/*"},
		{"Sid":"DenyEverybodyElse","Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*",
		 "Condition":{"ArnNotEquals":{"aws:PrincipalArn":["arn:aws:iam::111122223333:user/a","arn:aws:iam::111122223333:user/b"]},
		              "StringNotEquals":{"aws:PrincipalAccount":["444455556666"]}}}]}`, policy)
}

func TestClientUserMayInvokeOnlyThisStage(t *testing.T) {
	graph := run(t, func(a *Args) { a.Access.ClientUser = true })
	require.JSONEq(t, `{"Version":"2012-10-17","Statement":[{"Sid":"InvokeTheAPI","Effect":"Allow","Action":"execute-api:Invoke",
		"Resource":"arn:aws:execute-api:us-east-1:111122223333:g/prod/*"}]}`, graph.One(t, "aws:iam/userPolicy:UserPolicy").Inputs["policy"].(string))
	require.Contains(t, graph.One(t, "aws:apigateway/restApi:RestApi").Inputs["policy"], "arn:aws:iam::111122223333:user/g-client")

	without := run(t, func(*Args) {})
	require.Empty(t, without.All("aws:iam/user:User"))
	require.Empty(t, without.All("aws:iam/accessKey:AccessKey"))
}

// A client's key is rotated without a moment in which no key is valid.
func TestClientKeysRotate(t *testing.T) {
	keys := func(generation int, keep bool) (names []string) {
		graph := run(t, func(a *Args) {
			a.Access.ClientUser, a.Access.ClientKeyGeneration, a.Access.KeepFormerClientKey = true, generation, keep
		})
		for _, key := range graph.All("aws:iam/accessKey:AccessKey") {
			names = append(names, key.Name)
		}
		return names
	}
	require.Equal(t, []string{"g-client"}, keys(0, false))
	require.Equal(t, []string{"g-client"}, keys(1, false))
	require.Equal(t, []string{"g-client", "g-client-2"}, keys(2, true), "the old key stays valid until told")
	require.Equal(t, []string{"g-client-2"}, keys(2, false))
	require.Equal(t, []string{"g-client-2", "g-client-3"}, keys(3, true))
	former := arguments(t, func(a *Args) { a.Access.KeepFormerClientKey = true })
	err := componenttest.TryRun(&componenttest.Graph{}, func(ctx *pulumi.Context) error {
		_, err := New(ctx, "g", former)
		return err
	})
	require.ErrorContains(t, err, "KeepFormerClientKey")
}

// The backend's port carries no information to the proxy, so that one listener is enough; where it leads decides its port.
func TestAListenerIsItsTargets(t *testing.T) {
	graph := run(t, func(*Args) {})
	listener := graph.One(t, "aws:lb/listener:Listener")
	require.JSONEq(t, `{"port":30080,"protocol":"TCP","defaultActions":[{"type":"forward","targetGroupArn":"arn:aws:mock:us-east-1:111122223333:g"}]}`,
		listener.JSON(t, "port", "protocol", "defaultActions"))
	require.Contains(t, graph.One(t, "aws:apigateway/restApi:RestApi").Inputs["body"], `"uri":"http://nlb.example.com:30080/b"`)
	another := run(t, func(a *Args) { a.Target = nodes(30081) }).One(t, "aws:lb/listener:Listener")
	require.NotEqual(t, listener.Name, another.Name, "the stage moves from one to the other")
}

// Nothing is published before targets are healthy, and nothing old goes before new ones are.
func TestTheStageWaitsForHealthyTargets(t *testing.T) {
	graph := run(t, func(*Args) {})
	ready := graph.One(t, "time:index/sleep:Sleep")
	require.JSONEq(t, `{"createDuration":"300s","triggers":{"listener":"arn:aws:mock:us-east-1:111122223333:g-30080","nodes ":"g-id"}}`,
		ready.JSON(t, "createDuration", "triggers"))
	require.Contains(t, graph.One(t, "aws:apigateway/stage:Stage").DependsOn, "time:index/sleep:Sleep g-targets")
}

func TestDeploymentFollowsDefinitionAndPolicy(t *testing.T) {
	trigger := func(change func(*Args)) any {
		return run(t, change).One(t, "aws:apigateway/deployment:Deployment").Inputs["triggers"].(map[string]any)["frozen"]
	}
	before := trigger(func(*Args) {})
	require.Equal(t, before, trigger(func(*Args) {}), "the same input gives the same digest")
	require.NotEqual(t, before, trigger(func(a *Args) { a.Access.ClientARNs = list(clientARN, "arn:aws:iam::111122223333:user/b") }), "policy")
	require.NotEqual(t, before, trigger(func(a *Args) { a.Routes.Routes = a.Routes.Routes[:1] }), "routes")
	domain := func(a *Args) {
		a.Domain = Domain{Name: "api.example.com", CertificateARN: pulumi.String(certificateARN)}
	}
	require.Equal(t, before, trigger(domain), "a domain acts at once")
	require.NotEqual(t, before, trigger(func(a *Args) { domain(a); a.Domain.OnlyDomain = true }), "the execute-api endpoint")
	require.NotEqual(t, before, trigger(func(a *Args) { a.Endpoint.Type = Edge }), "the endpoint's type")
	require.NotEqual(t, before, trigger(func(a *Args) { a.UsagePlans = []UsagePlan{{Name: "p", Keys: []string{"k"}}} }), "API keys")
	require.NotEqual(t, before, trigger(func(a *Args) { a.Responses = []openapi.GatewayResponse{{Type: "THROTTLED", Status: 503}} }),
		"responses")
	require.Equal(t, before, trigger(func(a *Args) { a.Tags = pulumi.StringMap{"team": pulumi.String("a")} }), "tags act at once")
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
	_, err := Args{}.Complete("g")
	require.ErrorContains(t, err, "nobody may call the API")
	public := twoPorts(t)
	for i := range public.Routes {
		public.Routes[i].Behavior.Auth = route.AuthNone
	}
	_, err = Args{Routes: public}.Complete("g")
	require.NoError(t, err, "public routes alone need no client")
}

func TestThrottleAndCacheAreMethodSettings(t *testing.T) {
	require.Empty(t, run(t, func(*Args) {}).All("aws:apigateway/methodSettings:MethodSettings"))
	graph := run(t, func(a *Args) {
		a.Routes.Routes[0].Behavior = route.Behavior{Methods: []string{"GET"},
			Cache: route.Cache{TTL: time.Minute, QueryKeys: []string{"page"}}}.WithDefaults()
		a.Routes.Routes[1].Behavior = route.Behavior{Throttle: route.Throttle{Rate: 1.5}}.WithDefaults()
	})
	settings := graph.All("aws:apigateway/methodSettings:MethodSettings")
	require.Len(t, settings, 1+7+7, "ANY is seven methods, of the path and of what is below it")
	require.JSONEq(t, `{"methodPath":"~1a/GET","stageName":"prod","settings":{"cachingEnabled":true,"cacheTtlInSeconds":60,"cacheDataEncrypted":true,"requireAuthorizationForCacheControl":true}}`,
		settings[0].JSON(t, "methodPath", "stageName", "settings"))
	require.JSONEq(t, `{"methodPath":"~1b/DELETE","settings":{"throttlingRateLimit":1.5,"throttlingBurstLimit":2}}`,
		settings[1].JSON(t, "methodPath", "settings"))
	require.Equal(t, "~1b~1{proxy+}/PUT", settings[14].Inputs["methodPath"])
	require.Equal(t, true, graph.One(t, "aws:apigateway/stage:Stage").Inputs["cacheClusterEnabled"])
}

func TestCustomDomain(t *testing.T) {
	require.Empty(t, run(t, func(*Args) {}).All("aws:apigateway/domainName:DomainName"))
	graph := run(t, func(a *Args) {
		a.Domain = Domain{Name: "api.example.com", CertificateARN: pulumi.String(certificateARN)}
	})
	require.JSONEq(t, `{"domainName":"api.example.com","regionalCertificateArn":"`+certificateARN+
		`","securityPolicy":"TLS_1_2","endpointConfiguration":{"types":"REGIONAL"}}`,
		graph.One(t, "aws:apigateway/domainName:DomainName").JSON(t, "domainName", "regionalCertificateArn", "securityPolicy",
			"endpointConfiguration"))
	require.JSONEq(t, `{"domainName":"api.example.com","restApi":"g-id","stageName":"prod","basePath":null}`,
		graph.One(t, "aws:apigateway/basePathMapping:BasePathMapping").JSON(t, "domainName", "restApi", "stageName", "basePath"))
}

// Each domain has a certificate, a mapping and records of its own; a name and its wildcard are proved by one record.
func TestSeveralDomains(t *testing.T) {
	zone := pulumi.String("Z0123456789")
	graph := run(t, func(a *Args) {
		a.Domain = Domain{Name: "api.example.com", CertificateARN: pulumi.String(certificateARN)}
		a.Domains = []DomainName{
			{Name: "*.example.com", HostedZoneID: zone, Records: []string{"shop.example.com", "help.example.com"}},
			{Name: "example.com", HostedZoneID: zone, BasePath: "v2"},
		}
	})
	var domains, mappings, records []string
	for _, r := range graph.All("aws:apigateway/domainName:DomainName") {
		domains = append(domains, fmt.Sprintf("%s %s", r.Name, r.Inputs["domainName"]))
	}
	for _, r := range graph.All("aws:apigateway/basePathMapping:BasePathMapping") {
		mappings = append(mappings, fmt.Sprint(r.Inputs["domainName"], " ", r.Inputs["basePath"]))
	}
	for _, r := range graph.All("aws:route53/record:Record") {
		records = append(records, fmt.Sprint(r.Inputs["type"], " ", r.Inputs["name"]))
	}
	require.ElementsMatch(t, []string{"g api.example.com", "g-_.example.com *.example.com", "g-example.com example.com"}, domains)
	require.ElementsMatch(t, []string{"api.example.com <nil>", "*.example.com <nil>", "example.com v2"}, mappings)
	require.ElementsMatch(t, []string{"A shop.example.com", "A help.example.com", "A example.com", "CNAME _proof.api.example.com"}, records)
	require.Len(t, graph.All("aws:acm/certificate:Certificate"), 2)
}

func TestBadDomains(t *testing.T) {
	zone := pulumi.String("Z0123456789")
	many := make([]DomainName, maxDomains+1)
	for i := range many {
		many[i] = DomainName{Name: fmt.Sprintf("h%d.example.com", i), HostedZoneID: zone}
	}
	for want, domains := range map[string][]DomainName{
		"Domains[1]: a.example.com is declared twice": {{Name: "a.example.com", HostedZoneID: zone},
			{Name: "a.example.com", HostedZoneID: zone}},
		"121 domains are more than the 120 that AWS allows in a region": many,
		"a.example.com: it has no certificate":                          {{Name: "a.example.com"}},
		"a.example.com: its certificate is of region us-east-1": {{Name: "a.example.com",
			CertificateARN: pulumi.String(certificateARN)}},
		"*.example.com: record a.b.example.com is not below it": {{Name: "*.example.com", HostedZoneID: zone,
			Records: []string{"a.b.example.com"}}},
		"Domains: two of them have a record for a.example.com": {{Name: "*.example.com", HostedZoneID: zone,
			Records: []string{"a.example.com"}}, {Name: "a.example.com", HostedZoneID: zone}},
		`a.example.com: base path "/v1" is not possible`: {{Name: "a.example.com", HostedZoneID: zone, BasePath: "/v1"}},
		`"a" is not a domain name`:                       {{Name: "a", HostedZoneID: zone}},
		"*.example.com: records are made in a hosted zone: set hostedZoneId": {{Name: "*.example.com",
			CertificateARN: pulumi.String(certificateARN), Records: []string{"a.example.com"}}},
	} {
		s := Settings{Domains: domains, Access: Access{ClientUser: true}}.complete()
		require.ErrorContains(t, s.check("eu-west-1", nil), want)
	}
}

func TestAnonymousMethodsAndOtherModes(t *testing.T) {
	policy := func(mode AccessMode, endpoints []string, anonymous bool) string {
		text, err := Settings{Access: Access{Mode: mode}}.policy([]string{clientARN}, endpoints, anonymous).text()
		require.NoError(t, err)
		return text
	}
	allow := `{"Sid":"AllowCallers","Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*","Condition":{"ArnEquals":{"aws:PrincipalArn":["` + clientARN + `"]}}}`
	require.JSONEq(t, `{"Version":"2012-10-17","Statement":[`+allow+`]}`, policy(AllowList, nil, false))
	require.JSONEq(t, `{"Version":"2012-10-17","Statement":[`+allow+`,
		{"Sid":"AllowRequestsWithoutIdentity","Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*","Condition":{"Null":{"aws:PrincipalArn":["true"]}}},
		{"Sid":"DenyEverybodyElse","Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*",
		 "Condition":{"ArnNotEquals":{"aws:PrincipalArn":["`+clientARN+`"]},"Null":{"aws:PrincipalArn":["false"]}}}]}`, policy(Restrict, nil, true))
	require.JSONEq(t, `{"Version":"2012-10-17","Statement":[`+allow+`,
		{"Sid":"DenyOtherWays","Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*","Condition":{"StringNotEquals":{"aws:SourceVpce":["vpce-1","vpce-2"]}}}]}`,
		policy(AllowList, []string{"vpce-2", "vpce-1"}, false))
}

func TestPrivateEndpoint(t *testing.T) {
	graph := run(t, func(a *Args) {
		a.Endpoint = Endpoint{Type: Private, CreateVPCEndpoint: true, VPCEndpointIDs: list("vpce-0a")}
	})
	require.JSONEq(t, `{"serviceName":"com.amazonaws.us-east-1.execute-api","vpcEndpointType":"Interface","privateDnsEnabled":true,"subnetIds":["subnet-1"],"securityGroupIds":["g-endpoint-id"]}`,
		graph.One(t, "aws:ec2/vpcEndpoint:VpcEndpoint").JSON(t, "serviceName", "vpcEndpointType", "privateDnsEnabled", "subnetIds",
			"securityGroupIds"))
	api := graph.One(t, "aws:apigateway/restApi:RestApi")
	require.JSONEq(t, `{"endpointConfiguration":{"types":"PRIVATE","vpcEndpointIds":["vpce-0a","g-id"]}}`,
		api.JSON(t, "endpointConfiguration"))
	require.Contains(t, api.Inputs["policy"], `"aws:SourceVpce":["g-id","vpce-0a"]`)
	require.Contains(t, api.Inputs["body"], `"servers":[{"url":"/","x-amazon-apigateway-endpoint-configuration":{"vpcEndpointIds":["vpce-0a","g-id"]}}]`,
		"an import would take away what the definition does not say")
}

func TestRequestedCertificateAndAlias(t *testing.T) {
	edge := func(a *Args) {
		a.Endpoint.Type = Edge
		a.Domain = Domain{Name: "api.example.com", HostedZoneID: pulumi.String("Z0123456789"), BasePath: "v1", OnlyDomain: true}
	}
	args := arguments(t, edge)
	graph := &componenttest.Graph{Region: "eu-west-1"}
	require.ErrorContains(t, componenttest.TryRun(graph, func(ctx *pulumi.Context) error {
		_, err := New(ctx, "g", args)
		return err
	}), `gateway "g": CertificateProvider is required`)
	graph = &componenttest.Graph{Region: "eu-west-1"}
	require.NoError(t, componenttest.TryRun(graph, func(ctx *pulumi.Context) error {
		var err error
		args.CertificateProvider, err = aws.NewProvider(ctx, "virginia", &aws.ProviderArgs{Region: pulumi.String("us-east-1")})
		require.NoError(t, err)
		_, err = New(ctx, "g", args)
		return err
	}))
	require.JSONEq(t, `{"domainName":"api.example.com","validationMethod":"DNS"}`,
		graph.One(t, "aws:acm/certificate:Certificate").JSON(t, "domainName", "validationMethod"))
	require.Contains(t, graph.One(t, "aws:acm/certificate:Certificate").Provider, "::virginia::",
		"CloudFront takes certificates of one region")
	records := graph.All("aws:route53/record:Record")
	require.Len(t, records, 2)
	require.JSONEq(t, `{"name":"api.example.com","type":"A","zoneId":"Z0123456789","aliases":[{"name":"cloudfront.example.com","zoneId":"Z2FDTNDATAQYW2","evaluateTargetHealth":false}]}`, records[0].JSON(t, "name", "type", "zoneId", "aliases"))
	require.JSONEq(t, `{"name":"_proof.api.example.com","type":"CNAME","records":["_value.example.com"]}`,
		records[1].JSON(t, "name", "type", "records"))
	require.Equal(t, "v1", graph.One(t, "aws:apigateway/basePathMapping:BasePathMapping").Inputs["basePath"])
	require.Equal(t, true, graph.One(t, "aws:apigateway/restApi:RestApi").Inputs["disableExecuteApiEndpoint"])
}

func TestCanaryStaysWithTheStableDeployment(t *testing.T) {
	graph := run(t, func(a *Args) { a.Stage.Canary = Canary{Percent: 10, StableDeployment: "old123"} })
	require.JSONEq(t, `{"deployment":"old123","canarySettings":{"deploymentId":"g-id","percentTraffic":10}}`,
		graph.One(t, "aws:apigateway/stage:Stage").JSON(t, "deployment", "canarySettings"))
	back := run(t, func(a *Args) { a.Stage.Canary = Canary{StableDeployment: "old123"} })
	require.JSONEq(t, `{"deployment":"old123","canarySettings":null}`,
		back.One(t, "aws:apigateway/stage:Stage").JSON(t, "deployment", "canarySettings"))
	require.True(t, back.One(t, "aws:apigateway/deployment:Deployment").Options.RetainOnDelete,
		"a deployment that is not the newest must not go")
}

func TestStageSettingsReachEveryMethod(t *testing.T) {
	graph := run(t, func(a *Args) {
		a.Stage = Stage{Throttle: Throttle{Rate: 10}, Metrics: true, ExecutionLogs: "ERROR", Tracing: true,
			LogKMSKeyARN: pulumi.String("arn:aws:kms:us-east-1:111122223333:key/0a"), Variables: pulumi.StringMap{"color": pulumi.String("blue")}}
		a.Routes.Routes[0].Behavior = route.Behavior{Methods: []string{"GET"}, Throttle: route.Throttle{Rate: 1}}.WithDefaults()
	})
	settings := graph.All("aws:apigateway/methodSettings:MethodSettings")
	require.Len(t, settings, 2)
	require.JSONEq(t, `{"methodPath":"*/*","settings":{"throttlingRateLimit":10,"throttlingBurstLimit":10,"metricsEnabled":true,"loggingLevel":"ERROR","dataTraceEnabled":false}}`, settings[0].JSON(t, "methodPath", "settings"))
	require.JSONEq(t, `{"methodPath":"~1a/GET","settings":{"throttlingRateLimit":1,"throttlingBurstLimit":1,"metricsEnabled":true,"loggingLevel":"ERROR","dataTraceEnabled":false}}`, settings[1].JSON(t, "methodPath", "settings"))
	require.JSONEq(t, `{"xrayTracingEnabled":true,"variables":{"color":"blue"}}`,
		graph.One(t, "aws:apigateway/stage:Stage").JSON(t, "xrayTracingEnabled", "variables"))
	require.Equal(t, "arn:aws:kms:us-east-1:111122223333:key/0a", graph.One(t, "aws:cloudwatch/logGroup:LogGroup").Inputs["kmsKeyId"])
}

func TestUsagePlans(t *testing.T) {
	graph := run(t, func(a *Args) {
		a.Routes.Routes[0].Behavior = route.Behavior{APIKeyRequired: true}.WithDefaults()
		a.UsagePlans = []UsagePlan{{Name: "gold", Rate: 5, Burst: 10, Quota: 100, Period: "DAY", Keys: []string{"acme"}}}
	})
	require.JSONEq(t, `{"apiStages":[{"apiId":"g-id","stage":"prod"}],"throttleSettings":{"rateLimit":5,"burstLimit":10},"quotaSettings":{"limit":100,"period":"DAY"}}`,
		graph.One(t, "aws:apigateway/usagePlan:UsagePlan").JSON(t, "apiStages", "throttleSettings", "quotaSettings"))
	require.JSONEq(t, `{"keyId":"g-acme-id","keyType":"API_KEY","usagePlanId":"g-gold-id"}`,
		graph.One(t, "aws:apigateway/usagePlanKey:UsagePlanKey").JSON(t, "keyId", "keyType", "usagePlanId"))
	require.Contains(t, graph.One(t, "aws:apigateway/restApi:RestApi").Inputs["body"], `"security":[{"apikey":[],"sigv4":[]}]`)
}

func TestTLSToTheBalancer(t *testing.T) {
	graph := run(t, func(a *Args) {
		a.Balancer = Balancer{CertificateARN: pulumi.String(certificateARN), ServerName: "proxy.example.com"}
	})
	require.JSONEq(t, `{"protocol":"TLS","certificateArn":"`+certificateARN+`","sslPolicy":"ELBSecurityPolicy-TLS13-1-2-2021-06"}`,
		graph.All("aws:lb/listener:Listener")[0].JSON(t, "protocol", "certificateArn", "sslPolicy"))
	require.Contains(t, graph.One(t, "aws:apigateway/restApi:RestApi").Inputs["body"], "https://proxy.example.com:40080/b")
}

func TestWatching(t *testing.T) {
	graph := run(t, func(a *Args) {
		a.Alarms = Alarms{Enabled: true, Dashboard: true, TopicARNs: list("arn:aws:sns:us-east-1:111122223333:oncall")}
		a.WebACL = WebACL{Managed: true}
	})
	alarms := graph.All("aws:cloudwatch/metricAlarm:MetricAlarm")
	require.Len(t, alarms, 4)
	for _, alarm := range alarms {
		require.JSONEq(t, `{"alarmActions":["arn:aws:sns:us-east-1:111122223333:oncall"],"treatMissingData":"notBreaching",
			"period":60,"evaluationPeriods":5,"datapointsToAlarm":3}`,
			alarm.JSON(t, "alarmActions", "treatMissingData", "period", "evaluationPeriods", "datapointsToAlarm"))
	}
	require.Contains(t, graph.One(t, "aws:cloudwatch/dashboard:Dashboard").Inputs["dashboardBody"], `"IntegrationLatency"`)
	association := graph.One(t, "aws:wafv2/webAclAssociation:WebAclAssociation")
	require.Equal(t, "arn:aws:mock:us-east-1:111122223333:g", association.Inputs["resourceArn"])
}

// Nothing that AWS would refuse gets as far as a resource.
func TestMutualTLSAndDeletionProtection(t *testing.T) {
	graph := run(t, func(a *Args) {
		a.Domain = Domain{Name: "a.example.com", CertificateARN: pulumi.String(certificateARN), OnlyDomain: true,
			TruststoreURI: pulumi.String("s3://b/k")}
		a.Balancer.DeletionProtection = true
	})
	require.Equal(t, map[string]any{"truststoreUri": "s3://b/k"},
		graph.One(t, "aws:apigateway/domainName:DomainName").Inputs["mutualTlsAuthentication"])
	require.Equal(t, true, graph.One(t, "aws:apigateway/restApi:RestApi").Inputs["disableExecuteApiEndpoint"])
	require.Equal(t, true, graph.One(t, "aws:lb/loadBalancer:LoadBalancer").Inputs["enableDeletionProtection"])
}

func TestBadSettings(t *testing.T) {
	for want, s := range map[string]Settings{
		`Endpoint.Type "GLOBAL" is not known`:                        {Endpoint: Endpoint{Type: "GLOBAL"}},
		"PRIVATE without a VPC endpoint":                             {Endpoint: Endpoint{Type: Private}},
		"are for Endpoint.Type PRIVATE, not EDGE":                    {Endpoint: Endpoint{Type: Edge, VPCEndpointIDs: list("vpce-0")}},
		`Access.Mode "open" is not known`:                            {Access: Access{Mode: "open"}},
		"nobody may call the API":                                    {},
		"Stage.Canary.Percent 120 is not from 0 to 100":              {Stage: Stage{Canary: Canary{Percent: 120, StableDeployment: "a"}}},
		"Stage.Canary.Percent without Stage.Canary.StableDeployment": {Stage: Stage{Canary: Canary{Percent: 1}}},
		"Stage.Throttle.Burst without Stage.Throttle.Rate":           {Stage: Stage{Throttle: Throttle{Burst: 5}}},
		"Stage.Throttle.Rate -1 is not":                              {Stage: Stage{Throttle: Throttle{Rate: -1}}},
		`Stage.CacheSize "1" is not known`:                           {Stage: Stage{CacheSize: "1"}},
		`Stage.ExecutionLogs "ALL" is not known`:                     {Stage: Stage{ExecutionLogs: "ALL"}},
		"Stage.LogRetentionDays 2 is not a value":                    {Stage: Stage{LogRetentionDays: 2}},
		"Stage.Variables: a-b=c":                                     {Stage: Stage{Variables: pulumi.StringMap{"a-b": pulumi.String("c")}}},
		`Stage.LogKMSKeyARN "alias/x" is malformed`:                  {Stage: Stage{LogKMSKeyARN: pulumi.String("alias/x")}},
		"settings of a domain without Domain.Name":                   {Domain: Domain{TruststoreURI: pulumi.String("s3://b/k")}},
		"Domain.Name without a certificate":                          {Domain: Domain{Name: "a.example.com"}},
		"of region us-east-1: a domain of a REGIONAL": {Domain: Domain{Name: "a.example.com",
			CertificateARN: pulumi.String(certificateARN)}},
		"does not go with Endpoint.Type PRIVATE": {Endpoint: Endpoint{Type: Private, CreateVPCEndpoint: true},
			Domain: Domain{Name: "a.example.com", CertificateARN: pulumi.String(certificateARN)}},
		"Domain.TruststoreURI without Domain.OnlyDomain": {Domain: Domain{Name: "a.example.com",
			HostedZoneID: pulumi.String("Z1"), TruststoreURI: pulumi.String("s3://b/k")}},
		`Domain.SecurityPolicy "TLS_1_0" is not known: write TLS_1_2`: {Domain: Domain{Name: "a.example.com",
			HostedZoneID: pulumi.String("Z1"), TruststoreURI: pulumi.String("s3://b/k"), OnlyDomain: true, SecurityPolicy: "TLS_1_0"}},
		"Domain.TruststoreURI \"https://b/k\" is malformed": {Domain: Domain{Name: "a.example.com",
			HostedZoneID: pulumi.String("Z1"), TruststoreURI: pulumi.String("https://b/k"), OnlyDomain: true}},
		`Domain.BasePath "/v1" is not possible`: {Domain: Domain{Name: "a.example.com",
			HostedZoneID: pulumi.String("Z1"), BasePath: "/v1"}},
		"takes both Balancer.CertificateARN and":                 {Balancer: Balancer{ServerName: "a.example.com"}},
		"WebACL.ARN and WebACL.Managed: choose one":              {WebACL: WebACL{ARN: pulumi.String("arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/a/0"), Managed: true}},
		`WebACL.ARN "arn:aws:wafv2:us-east-1:1:global/webacl/a"`: {WebACL: WebACL{ARN: pulumi.String("arn:aws:wafv2:us-east-1:1:global/webacl/a")}},
		"WebACL.RateLimit 5 is not":                              {WebACL: WebACL{RateLimit: 5}},
		"WebACL.BodyLimit 20 is not one of [16 32 48 64]":        {WebACL: WebACL{BodyLimit: 20}},
		"WebACL.Overrides: there is no rule SizeRestrictions_BDY": {WebACL: WebACL{Managed: true,
			Overrides: map[string]string{"SizeRestrictions_BDY": "count"}}},
		`WebACL.Overrides: BodySize: "pass" is not one of`: {WebACL: WebACL{Managed: true,
			Overrides: map[string]string{"BodySize": "pass"}}},
		"WebACL.Overrides and WebACL.Logs are for WebACL.Managed": {WebACL: WebACL{Logs: true}},
		"Domain.BasePath sping is reserved": {Domain: Domain{Name: "a.example.com",
			HostedZoneID: pulumi.String("Z1"), BasePath: "sping"}},
		"UsagePlans[0]: a throttle takes both": {UsagePlans: []UsagePlan{{Name: "a", Rate: 1, Keys: []string{"k"}}}},
		"UsagePlans[0]: a quota takes both":    {UsagePlans: []UsagePlan{{Name: "a", Quota: 1, Keys: []string{"k"}}}},
		"UsagePlans[1]: key k is in two plans": {UsagePlans: []UsagePlan{{Name: "a", Keys: []string{"k"}},
			{Name: "b", Keys: []string{"k"}}}},
		"Alarms.TopicARNs without Alarms.Enabled":         {Alarms: Alarms{TopicARNs: list("arn:aws:sns:eu-west-1:111122223333:a")}},
		"gateway response TEAPOT: the type is not one of": {Responses: []openapi.GatewayResponse{{Type: "TEAPOT"}}},
	} {
		t.Run(want, func(t *testing.T) {
			require.ErrorContains(t, s.complete().check("eu-west-1", nil), want)
		})
	}
}

func TestPingIsReservedAtADomainsRoot(t *testing.T) {
	routes := twoPorts(t)
	routes.Routes[0].Path = "/ping"
	s := Settings{Access: Access{ClientUser: true}}
	require.NoError(t, s.complete().check("us-east-1", routes), "the execute-api endpoint has a stage in front")
	s.Domain = Domain{Name: "a.example.com", HostedZoneID: pulumi.String("Z1")}
	require.ErrorContains(t, s.complete().check("us-east-1", routes), "API Gateway answers /ping itself")
	s.Domain.BasePath = "v1"
	require.NoError(t, s.complete().check("us-east-1", routes))
}

func TestManagedWebACL(t *testing.T) {
	graph := run(t, func(a *Args) {
		a.WebACL = WebACL{Managed: true, BodyLimit: 64, Logs: true,
			Overrides: map[string]string{"BodySize": "count", "NoUserAgent_HEADER": "count"}}
	})
	acl := graph.One(t, "aws:wafv2/webAcl:WebAcl")
	require.JSONEq(t, `{"associationConfig":{"requestBodies":[{"apiGateways":[{"defaultSizeInspectionLimit":"KB_64"}]}]}}`,
		acl.JSON(t, "associationConfig"))
	rules := acl.Inputs["rules"].([]any)
	require.Equal(t, map[string]any{"count": map[string]any{}}, rules[1].(map[string]any)["action"])
	encoded, err := json.Marshal(rules)
	require.NoError(t, err)
	require.Contains(t, string(encoded), `"oversizeHandling":"MATCH"`)
	require.Contains(t, string(encoded), `"size":65536`)
	require.Contains(t, string(encoded), `{"actionToUse":{"count":{}},"name":"NoUserAgent_HEADER"},{"actionToUse":{"count":{}},"name":"SizeRestrictions_BODY"}`)
	logs := graph.One(t, "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration")
	for _, header := range []string{"authorization", "cookie", "x-amz-security-token", "x-api-key"} {
		require.Contains(t, logs.JSON(t, "redactedFields"), `"`+header+`"`)
	}
	require.True(t, graph.One(t, "aws:wafv2/webAclAssociation:WebAclAssociation").Options.DeleteBeforeReplace,
		"deleted after the new one was made it would take that along")
}

func TestPodsAsTargets(t *testing.T) {
	graph := run(t, func(a *Args) {
		a.Balancer.TargetType = IP
		a.Target.Pods = target.Pods{
			Namespace: pulumi.String("p"), ServiceName: pulumi.String("nginx"), ServicePort: pulumi.Int(80), Port: pulumi.Int(8080),
		}
	})
	require.JSONEq(t, `{"targetType":"ip","port":8080}`, graph.One(t, "aws:lb/targetGroup:TargetGroup").JSON(t, "targetType", "port"))
	require.Empty(t, graph.All("aws:autoscaling/attachment:Attachment"))
	require.JSONEq(t, `{"spec":{"targetGroupARN":"arn:aws:mock:us-east-1:111122223333:g","targetType":"ip","serviceRef":{"name":"nginx","port":80}}}`,
		graph.One(t, "kubernetes:elbv2.k8s.aws/v1beta1:TargetGroupBinding").JSON(t, "spec"))
	require.EqualValues(t, 8080, graph.One(t, "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule").Inputs["fromPort"])
}

func TestAuthorizersMayBeInvokedByThisAPIOnly(t *testing.T) {
	const function = "arn:aws:lambda:us-east-1:111122223333:function:gate"
	graph := run(t, func(a *Args) {
		a.Routes.Authorizers = []route.Authorizer{
			{Name: "one", Type: route.AuthorizerToken, FunctionARN: function + ":live"},
			{Name: "two", Type: route.AuthorizerRequest, FunctionARN: function + ":live"},
			{Name: "pool", Type: route.AuthorizerCognito, UserPoolARNs: []string{"arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_A"}},
		}
	})
	require.JSONEq(t, `{"action":"lambda:InvokeFunction","function":"`+function+`","qualifier":"live","principal":"apigateway.amazonaws.com",
		"sourceArn":"arn:aws:execute-api:us-east-1:111122223333:g/authorizers/*"}`,
		graph.One(t, "aws:lambda/permission:Permission").JSON(t, "action", "function", "qualifier", "principal", "sourceArn"))
	require.Contains(t, graph.One(t, "aws:apigateway/stage:Stage").DependsOn, "aws:lambda/permission:Permission g-one",
		"before the first request")
}

func TestChangesThatAWSRefusesAreRefused(t *testing.T) {
	recorded := func(endpoint EndpointType, domain, held string, subnets ...any) change.Inputs {
		return change.Inputs{
			"endpoint": map[string]any{"type": string(endpoint)}, "domain": map[string]any{"name": domain},
			"stage": map[string]any{"canary": map[string]any{"stableDeployment": held}}, "network": map[string]any{"privateSubnetIds": subnets},
		}
	}
	for _, c := range []struct {
		before, after change.Inputs
		want          string
	}{
		{recorded(Regional, "", ""), recorded(Edge, "", ""), ""},
		{recorded(Private, "", ""), recorded(Regional, "", ""), ""},
		{recorded(Private, "", ""), recorded(Edge, "", ""), "cannot change from PRIVATE"},
		{recorded(Edge, "a.example.com", ""), recorded(Regional, "a.example.com", ""), "under the domain a.example.com"},
		{recorded(Edge, "a.example.com", ""), recorded(Regional, "", ""), ""},
		{recorded(Edge, "", "", "a", "b"), recorded(Edge, "", "old", "a", "c"), "while stableDeployment old holds"},
		{recorded(Edge, "", "", "a"), recorded(Edge, "", "old", "a", "b"), ""},
		{change.Inputs{}, recorded(Edge, "a.example.com", "old", "a"), ""},
	} {
		if err := mayChange(nil, c.before, c.after); c.want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, c.want)
		}
	}
}

func TestAnOlderDeploymentKeepsItsRoutes(t *testing.T) {
	recorded := func(held string, served ...any) change.Inputs {
		return change.Inputs{"stage": map[string]any{"canary": map[string]any{"stableDeployment": held}}, servedInput: served}
	}
	for _, c := range []struct {
		last          string
		before, after change.Inputs
		want          string
	}{
		{"d1", recorded("", "/a"), recorded("d1", "/a", "/b"), ""},
		{"d2", recorded("d1", "/a", "/b"), recorded("d1", "/a", "/b", "/c"), ""},
		{"d2", recorded("d1", "/a", "/b"), recorded("", "/c"), ""},
		{"d1", recorded("", "/a"), recorded("d1", "/b"), "/a cannot go or change while stableDeployment d1"},
		{"d2", recorded("d1", "/a", "/b"), recorded("d1", "/a"), "/b cannot go or change"},
		{"d2", recorded("", "/b"), recorded("d1", "/b"), "d1 is not the deployment of the last update, d2"},
		{"", change.Inputs{}, recorded("d1", "/b"), ""},
	} {
		if err := mayChange(change.Inputs{"deploymentId": c.last}, c.before, c.after); c.want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, c.want)
		}
	}
}

func TestAddressesStay(t *testing.T) {
	recorded := func(stage, domain, path string, only bool, more ...any) change.Inputs {
		return change.Inputs{
			"stage": map[string]any{"name": stage}, "domains": more,
			"domain": map[string]any{"name": domain, "basePath": path, "onlyDomain": only},
		}
	}
	another := map[string]any{"name": "b.example.com", "basePath": "v1"}
	moved := map[string]any{"name": "b.example.com", "basePath": "v2"}
	for _, c := range []struct {
		before, after change.Inputs
		want          string
	}{
		{recorded("prod", "", "", false), recorded("live", "", "", false), "stageName cannot change from prod to live"},
		{recorded("prod", "a.example.com", "", true), recorded("live", "a.example.com", "", false), "stageName cannot change"},
		{recorded("prod", "a.example.com", "", true), recorded("live", "a.example.com", "", true), ""},
		{recorded("prod", "a.example.com", "", false), recorded("prod", "a.example.com", "v1", false), `from "" to "v1"`},
		{recorded("prod", "a.example.com", "", false), recorded("prod", "b.example.com", "v1", false), ""},
		{recorded("prod", "", "", false, another), recorded("prod", "", "", false, moved), "base path of domain b.example.com"},
		{recorded("prod", "", "", false, another), recorded("prod", "b.example.com", "v1", false), "from domains to domainName"},
		{recorded("prod", "b.example.com", "v1", false), recorded("prod", "", "", false, another), "from domainName to domains"},
		{change.Inputs{}, recorded("live", "a.example.com", "v1", false), ""},
	} {
		if err := mayChange(nil, c.before, c.after); c.want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, c.want)
		}
	}
}

func TestWhatOthersShareStays(t *testing.T) {
	graph := run(t, func(a *Args) {
		a.Domain = Domain{Name: "*.example.com", HostedZoneID: pulumi.String("Z0123456789")}
		a.UsagePlans = []UsagePlan{{Name: "p", Keys: []string{"k"}}}
	})
	for _, record := range graph.All("aws:route53/record:Record") {
		require.Equal(t, record.Name == "g-certificate", record.Options.RetainOnDelete,
			"a certificate of example.com is proved by the same record")
	}
	require.True(t, graph.One(t, "aws:apigateway/usagePlanKey:UsagePlanKey").Options.DeleteBeforeReplace,
		"a key is in one plan of a stage only")
}
