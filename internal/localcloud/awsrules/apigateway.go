package awsrules

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
)

// Type tokens that other rooms of the local cloud ask for.
const (
	RestAPI    = "aws:apigateway/restApi:RestApi"
	Deployment = "aws:apigateway/deployment:Deployment"
	Stage      = "aws:apigateway/stage:Stage"
	VPCLink    = "aws:apigateway/vpcLink:VpcLink"
	// DomainName is a custom domain, and BasePathMapping what it leads to.
	DomainName      = "aws:apigateway/domainName:DomainName"
	BasePathMapping = "aws:apigateway/basePathMapping:BasePathMapping"
	// MethodSettings are a stage's settings for a method.
	MethodSettings = "aws:apigateway/methodSettings:MethodSettings"
	// APIKey, UsagePlan and UsagePlanKey say who may call how often.
	APIKey       = "aws:apigateway/apiKey:ApiKey"
	UsagePlan    = "aws:apigateway/usagePlan:UsagePlan"
	UsagePlanKey = "aws:apigateway/usagePlanKey:UsagePlanKey"
)

// VPCLinkAvailable is the state in which a link carries requests.
const VPCLinkAvailable = "AVAILABLE"

var stageName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

var methodPath = regexp.MustCompile(`^([^/].*/)?(\*|ANY|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT)$`)

var ofRestAPI = ref{path: "restApi", to: RestAPI, missing: "NotFoundException"}

var apiGatewayRules = []*rule{
	{
		token: RestAPI, args: (*apigateway.RestApiArgs)(nil), autoName: "name", id: randomID("", 10),
		refs:  []ref{{path: "endpointConfiguration.vpcEndpointIds[]", to: VPCEndpoint, missing: "BadRequestException"}},
		check: checkRestAPI, prepare: definitionIsValid,
		outputs: func(c *call) map[string]any {
			return map[string]any{
				"arn":            fmt.Sprintf("arn:%s:apigateway:%s::/restapis/%s", Partition, c.region, c.object.ID),
				"executionArn":   c.arn("execute-api", c.region, c.object.ID),
				"rootResourceId": lowerHash(c.object.ID, 10),
			}
		},
		deleted:     removeDeployments,
		createTakes: 3 * time.Second, deleteTakes: 30 * time.Second,
	},
	{
		token: Deployment, args: (*apigateway.DeploymentArgs)(nil), id: randomID("", 6),
		replace: []string{"restApi", "triggers", "variables"}, refs: []ref{ofRestAPI},
		prepare: snapshot,
		outputs: func(c *call) map[string]any {
			return map[string]any{"executionArn": c.arn("execute-api", c.region, c.object.Text("restApi")+"/")}
		},
		createTakes: 5 * time.Second,
	},
	{
		token: Stage, args: (*apigateway.StageArgs)(nil), required: []string{"restApi", "deployment", "stageName"},
		id:      func(c *call) string { return "ags-" + c.object.Text("restApi") + "-" + c.object.Text("stageName") },
		replace: []string{"restApi", "stageName"},
		refs: []ref{
			ofRestAPI,
			{path: "deployment", to: Deployment, missing: "BadRequestException", inUse: "BadRequestException"},
			{path: "canarySettings.deploymentId", to: Deployment, missing: "BadRequestException", inUse: "BadRequestException"},
		},
		check: func(inputs map[string]any) []schema.Failure {
			if name, ok := inputs["stageName"].(string); ok && !stageName.MatchString(name) {
				return []schema.Failure{{Property: "stageName", Reason: "Stage name only allows a-zA-Z0-9-_"}}
			}
			canary, _ := inputs["canarySettings"].(map[string]any)
			if percent, _ := canary["percentTraffic"].(float64); percent < 0 || percent > 100 {
				return []schema.Failure{{Property: "canarySettings", Reason: "percentTraffic must be from 0 to 100"}}
			}
			return nil
		},
		mayDelete: inNoUsagePlan,
		prepare:   stageIsNew,
		outputs: func(c *call) map[string]any {
			api, name := c.store.Get(RestAPI, c.object.Text("restApi")), c.object.Text("stageName")
			port, _ := api.Private["port"].(float64)
			return map[string]any{
				"arn":          fmt.Sprintf("arn:%s:apigateway:%s::/restapis/%s/stages/%s", Partition, c.region, api.ID, name),
				"executionArn": c.arn("execute-api", c.region, api.ID+"/"+name),
				"invokeUrl":    fmt.Sprintf("http://127.0.0.1:%d/%s", int(port), name),
			}
		},
		createTakes: 2 * time.Second,
	},
	{
		token: VPCLink, args: (*apigateway.VpcLinkArgs)(nil), autoName: "name", id: randomID("", 6), replace: []string{"targetArn"},
		refs:    []ref{{path: "targetArn", to: LoadBalancer, missing: "BadRequestException", inUse: "ResourceInUse"}},
		prepare: balancerIsFree,
		outputs: func(c *call) map[string]any {
			return map[string]any{"arn": fmt.Sprintf("arn:%s:apigateway:%s::/vpclinks/%s", Partition, c.region, c.object.ID)}
		},
		failed: "FAILED", reason: "NLB is already associated with another VPC Endpoint Service",
		pending: "PENDING", ready: VPCLinkAvailable, createTakes: 180 * time.Second, deleteTakes: 30 * time.Second,
	},
	{
		token: MethodSettings, args: (*apigateway.MethodSettingsArgs)(nil), required: []string{"restApi", "stageName", "methodPath", "settings"},
		id: func(c *call) string {
			return c.object.Text("restApi") + "-" + c.object.Text("stageName") + "-" + c.object.Text("methodPath")
		},
		replace: []string{"restApi", "stageName", "methodPath"}, refs: []ref{ofRestAPI},
		check: func(inputs map[string]any) []schema.Failure {
			if path, ok := inputs["methodPath"].(string); ok && !methodPath.MatchString(path) {
				return []schema.Failure{{Property: "methodPath", Reason: "must be a resource's path without its first slash, and a method"}}
			}
			return nil
		},
		prepare: func(c *call) error {
			if c.store.Get(Stage, "ags-"+c.object.Text("restApi")+"-"+c.object.Text("stageName")) == nil {
				return apiError("NotFoundException", "Invalid stage identifier specified")
			}
			return nil
		},
	},
	{
		token: DomainName, args: (*apigateway.DomainNameArgs)(nil), unique: "domainName", replace: []string{"domainName"},
		check: checkDomainName,
		id:    func(c *call) string { return c.object.Text("domainName") },
		prepare: func(c *call) error {
			property, region := "regionalCertificateArn", c.region
			if endpointOf(c.object.Inputs) == "EDGE" {
				property, region = "certificateArn", "us-east-1"
			}
			if arn := c.object.Text(property); !strings.Contains(arn, ":acm:"+region+":") {
				return apiError("BadRequestException", "The certificate %s must be in the region %s", arn, region)
			}
			return nil
		},
		outputs: func(c *call) map[string]any {
			return map[string]any{
				"arn":                fmt.Sprintf("arn:%s:apigateway:%s::/domainnames/%s", Partition, c.region, c.object.ID),
				"regionalDomainName": fmt.Sprintf("d-%s.execute-api.%s.amazonaws.com", lowerHash(c.object.ID, 10), c.region),
				"regionalZoneId":     "Z1UJRXOUMOOFQ8",
				// CloudFront's zone is the same everywhere.
				"cloudfrontDomainName": fmt.Sprintf("d%s.cloudfront.net", lowerHash(c.object.ID, 13)),
				"cloudfrontZoneId":     "Z2FDTNDATAQYW2",
			}
		},
		createTakes: 30 * time.Second, deleteTakes: 30 * time.Second,
	},
	{
		token: BasePathMapping, args: (*apigateway.BasePathMappingArgs)(nil), replace: []string{"domainName"},
		id: func(c *call) string { return c.object.Text("domainName") + "/" + c.object.Text("basePath") },
		refs: []ref{
			{path: "domainName", to: DomainName, missing: "NotFoundException"},
			{path: "restApi", to: RestAPI, missing: "BadRequestException", inUse: "BadRequestException"},
		},
	},
	{
		token: APIKey, args: (*apigateway.ApiKeyArgs)(nil), autoName: "name", id: randomID("", 10), replace: []string{"value"},
		defaults: map[string]any{"description": "Managed by Pulumi", "enabled": true},
		outputs: func(c *call) map[string]any {
			value, ok := c.object.Outputs["value"]
			if !ok {
				value = randomHex(40)
			}
			return map[string]any{"value": value, "arn": fmt.Sprintf("arn:%s:apigateway:%s::/apikeys/%s", Partition, c.region, c.object.ID)}
		},
	},
	{
		token: UsagePlan, args: (*apigateway.UsagePlanArgs)(nil), autoName: "name", id: randomID("", 6),
		prepare: func(c *call) error {
			for _, item := range items(c.object.Inputs["apiStages"]) {
				if c.store.Get(Stage, fmt.Sprintf("ags-%v-%v", item["apiId"], item["stage"])) == nil {
					return apiError("NotFoundException", "API Stage not found: %v:%v", item["apiId"], item["stage"])
				}
			}
			return nil
		},
		outputs: func(c *call) map[string]any {
			return map[string]any{"arn": fmt.Sprintf("arn:%s:apigateway:%s::/usageplans/%s", Partition, c.region, c.object.ID)}
		},
		createTakes: time.Second, deleteTakes: 20 * time.Second,
	},
	{
		token: UsagePlanKey, args: (*apigateway.UsagePlanKeyArgs)(nil), replace: []string{"keyId", "keyType", "usagePlanId"},
		id: func(c *call) string { return c.object.Text("keyId") },
		refs: []ref{
			{path: "keyId", to: APIKey, missing: "NotFoundException"},
			{path: "usagePlanId", to: UsagePlan, missing: "NotFoundException", inUse: "BadRequestException"},
		},
		prepare: keyIsNotInStage,
		outputs: func(c *call) map[string]any {
			key := c.store.Get(APIKey, c.object.Text("keyId"))
			return map[string]any{"name": key.Text("name"), "value": key.Text("value")}
		},
	},
	{
		token: "aws:apigateway/account:Account", args: (*apigateway.AccountArgs)(nil), id: func(*call) string { return "api-gateway-account" },
	},
}

func items(value any) []map[string]any {
	list, _ := value.([]any)
	var found []map[string]any
	for _, item := range list {
		if fields, ok := item.(map[string]any); ok {
			found = append(found, fields)
		}
	}
	return found
}

func endpointOf(inputs map[string]any) string {
	endpoint, _ := inputs["endpointConfiguration"].(map[string]any)
	kind, _ := endpoint["types"].(string)
	return kind
}

// keyIsNotInStage: a key must be in one plan of a stage only.
func keyIsNotInStage(c *call) error {
	wanted := c.store.Get(UsagePlan, c.object.Text("usagePlanId"))
	for _, link := range c.store.List(UsagePlanKey) {
		other := c.store.Get(UsagePlan, link.Text("usagePlanId"))
		if link.ID == c.object.ID && other != nil && other.ID != wanted.ID && reflect.DeepEqual(other.Inputs["apiStages"], wanted.Inputs["apiStages"]) {
			return apiError("ConflictException", "API key %s is in a usage plan of this stage already", link.ID)
		}
	}
	return nil
}

func inNoUsagePlan(c *call) error {
	for _, plan := range c.store.List(UsagePlan) {
		for _, item := range items(plan.Inputs["apiStages"]) {
			if item["apiId"] == c.object.Inputs["restApi"] && item["stage"] == c.object.Inputs["stageName"] {
				return apiError("BadRequestException", "Stage %s is in usage plan %s", c.object.Text("stageName"), plan.ID)
			}
		}
	}
	return nil
}

func checkDomainName(inputs map[string]any) []schema.Failure {
	kind := endpointOf(inputs)
	wanted := "regionalCertificateArn"
	if kind == "EDGE" {
		wanted = "certificateArn"
	}
	mutual, _ := inputs["mutualTlsAuthentication"].(map[string]any)
	switch {
	case isEmpty(inputs[wanted]):
		return []schema.Failure{{Property: wanted, Reason: "is required for an endpoint of type " + kind}}
	case mutual != nil && (kind != "REGIONAL" || inputs["securityPolicy"] != "TLS_1_2"):
		return []schema.Failure{{Property: "mutualTlsAuthentication", Reason: "takes a REGIONAL endpoint and the security policy TLS_1_2"}}
	}
	return nil
}

// checkRestAPI looks at what does not depend on other objects.
func checkRestAPI(inputs map[string]any) []schema.Failure {
	if failures := policyAt("policy")(inputs); len(failures) > 0 {
		return failures
	}
	endpoint, _ := inputs["endpointConfiguration"].(map[string]any)
	kind := endpointOf(inputs)
	if kind != "" && !slices.Contains([]string{"REGIONAL", "EDGE", "PRIVATE"}, kind) || kind != "PRIVATE" && !isEmpty(endpoint["vpcEndpointIds"]) {
		return []schema.Failure{{Property: "endpointConfiguration", Reason: "types is REGIONAL, EDGE or PRIVATE, and only PRIVATE takes vpcEndpointIds"}}
	}
	body, ok := inputs["body"].(string)
	if !ok {
		return nil
	}
	if _, err := restapi.Parse([]byte(body)); err != nil {
		return []schema.Failure{{Property: "body", Reason: "BadRequestException: " + err.Error()}}
	}
	return nil
}

// definitionIsValid: an import fails when an integration names a link that does not exist.
// A new API gets its port here, too.
func definitionIsValid(c *call) error {
	definition, err := restapi.Parse([]byte(c.object.Text("body")))
	if err != nil {
		return apiError("BadRequestException", "%s", err)
	}
	for _, method := range definition.Methods() {
		if link := method.Integration.ConnectionID; link != "" && c.store.Get(VPCLink, link) == nil {
			return apiError("BadRequestException", "VPC link %s is not valid", link)
		}
	}
	if c.object.Private["port"] != nil {
		return nil
	}
	port, err := c.host.ListenForAPI(c.object.ID)
	c.object.Private["port"] = float64(port)
	return err
}

// snapshot is what a deployment serves for ever, whatever becomes of the API.
func snapshot(c *call) error {
	api := c.store.Get(RestAPI, c.object.Text("restApi"))
	definition, err := restapi.Parse([]byte(api.Text("body")))
	if err != nil {
		return apiError("BadRequestException", "%s", err)
	}
	if len(definition.Methods()) == 0 {
		return apiError("BadRequestException", "The REST API doesn't contain any methods")
	}
	c.object.Private["body"], c.object.Private["policy"] = api.Text("body"), api.Text("policy")
	return nil
}

func stageIsNew(c *call) error {
	isNew := c.object.Outputs == nil
	if isNew && c.store.Get(Stage, c.object.ID) != nil {
		return apiError("ConflictException", "Stage already exists")
	}
	deployment := c.store.Get(Deployment, c.object.Text("deployment"))
	if deployment.Text("restApi") != c.object.Text("restApi") {
		return apiError("BadRequestException", "Deployment %s is not of this API", deployment.ID)
	}
	return nil
}

// balancerIsFree: a Network Load Balancer serves one endpoint service, and so one link.
func balancerIsFree(c *call) error {
	arn := c.object.Text("targetArn")
	for _, other := range c.store.List(VPCLink) {
		if other.ID != c.object.ID && other.Text("targetArn") == arn {
			return apiError("BadRequestException", "NLB %s is already associated with another VPC Endpoint Service", arn)
		}
	}
	for _, listener := range c.store.List(Listener) {
		if listener.Text("loadBalancerArn") == arn {
			return nil
		}
	}
	return apiError("BadRequestException", "NLB %s has no listener", arn)
}

func removeDeployments(c *call) error {
	for _, token := range []string{MethodSettings, Stage, Deployment} {
		for _, o := range c.store.List(token) {
			if o.Text("restApi") == c.object.ID {
				if err := c.store.Delete(o); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
