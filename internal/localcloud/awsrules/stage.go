package awsrules

import (
	"fmt"
	"maps"
	"regexp"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
)

// Type tokens of what publishes a REST API. MethodSettings are a stage's settings for a method.
const (
	Deployment     = "aws:apigateway/deployment:Deployment"
	Stage          = "aws:apigateway/stage:Stage"
	MethodSettings = "aws:apigateway/methodSettings:MethodSettings"
)

var deployment = &rule{
	token: Deployment, args: (*apigateway.DeploymentArgs)(nil), resource: (*apigateway.Deployment)(nil), id: randomID("", 6),
	replace: []string{"restApi", "triggers", "variables"}, refs: []ref{ofRestAPI},
	prepare: snapshot, outputs: deploymentOutputs, createTakes: 5 * time.Second, every: 5 * time.Second,
}

func deploymentOutputs(c *call) properties {
	return properties{"executionArn": c.regional("execute-api", c.text("restApi")+"/")}
}

// liveInputs of an API act at once; all others act when they are deployed.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/updating-api.html
var liveInputs = []string{"name", "description", "tags", "failOnWarnings", "putRestApiMode"}

// snapshot is what a deployment serves for ever, whatever becomes of the API: its inputs, and the API keys that exist.
// That a key waits for a deployment is AWS's documentation, and believed: nobody was seen to measure it.
func snapshot(c *call) error {
	api := c.store.Get(RestAPI, c.text("restApi"))
	definition, err := restapi.Parse([]byte(api.Text("body")))
	if err != nil {
		return apiError("BadRequestException", "%s", err)
	}
	if len(definition.Methods()) == 0 {
		return apiError("BadRequestException", "The REST API doesn't contain any methods")
	}
	frozen := maps.Clone(api.Inputs)
	for _, name := range liveInputs {
		delete(frozen, name)
	}
	var keys []any
	for _, key := range c.store.List(APIKey) {
		if key.Inputs.True("enabled") {
			keys = append(keys, key.ID)
		}
	}
	c.object.Private["api"], c.object.Private["apiKeys"] = map[string]any(frozen), keys
	return nil
}

var stage = &rule{
	token: Stage, args: (*apigateway.StageArgs)(nil), resource: (*apigateway.Stage)(nil),
	id:       func(c *call) string { return stageID(c.text("restApi"), c.text("stageName")) },
	required: []string{"restApi", "deployment", "stageName"}, replace: []string{"restApi", "stageName"},
	refs: []ref{
		ofRestAPI,
		{path: "deployment", to: Deployment, missing: "BadRequestException", inUse: "BadRequestException"},
		{path: "canarySettings.deploymentId", to: Deployment, missing: "BadRequestException", inUse: "BadRequestException"},
	},
	check: checkStage, prepare: stageIsNew, mayDelete: inNoUsagePlan, outputs: stageOutputs, createTakes: 2 * time.Second,
}

func stageID(api, name string) string { return "ags-" + api + "-" + name }

var stageName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

func checkStage(in properties) []schema.Failure {
	if name := in.Text("stageName"); name != "" && !stageName.MatchString(name) {
		return wrong("stageName", "Stage name only allows a-zA-Z0-9-_")
	}
	if percent := in.Number("canarySettings.percentTraffic"); percent < 0 || percent > 100 {
		return wrong("canarySettings", "percentTraffic must be from 0 to 100")
	}
	return nil
}

func stageIsNew(c *call) error {
	if c.isNew() && c.store.Get(Stage, c.object.ID) != nil {
		return apiError("ConflictException", "Stage already exists")
	}
	deployment := c.store.Get(Deployment, c.text("deployment"))
	if deployment.Text("restApi") != c.text("restApi") {
		return apiError("BadRequestException", "Deployment %s is not of this API", deployment.ID)
	}
	return nil
}

func inNoUsagePlan(c *call) error {
	for _, plan := range c.store.List(UsagePlan) {
		for _, item := range plan.Inputs.Objects("apiStages[]") {
			if item["apiId"] == c.object.Inputs["restApi"] && item["stage"] == c.object.Inputs["stageName"] {
				return apiError("BadRequestException", "Stage %s is in usage plan %s", c.text("stageName"), plan.ID)
			}
		}
	}
	return nil
}

func stageOutputs(c *call) properties {
	api, name := c.store.Get(RestAPI, c.text("restApi")), c.text("stageName")
	return properties{
		"arn":          c.apiGatewayARN("restapis/%s/stages/%s", api.ID, name),
		"executionArn": c.regional("execute-api", api.ID+"/"+name),
		"invokeUrl":    fmt.Sprintf("http://127.0.0.1:%d/%s", api.Private.Int("port"), name),
	}
}

var methodSettings = &rule{
	token: MethodSettings, args: (*apigateway.MethodSettingsArgs)(nil), resource: (*apigateway.MethodSettings)(nil),
	id: func(c *call) string {
		return c.text("restApi") + "-" + c.text("stageName") + "-" + c.text("methodPath")
	},
	required: []string{"restApi", "stageName", "methodPath", "settings"}, replace: []string{"restApi", "stageName", "methodPath"},
	refs: []ref{ofRestAPI}, check: checkMethodPath, prepare: ofExistingStage,
}

// methodPath: the slashes of a resource's path are written ~1, the first one as well. AWS stores settings for other paths
// without effect, or refuses them; here all are refused. That settings for ANY reach the methods was never shown.
// https://github.com/hashicorp/terraform-provider-aws/issues/9738, https://github.com/hashicorp/terraform-provider-aws/issues/15855
var methodPath = regexp.MustCompile(`^(\*/\*|~1[^/]*/(DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT))$`)

func checkMethodPath(in properties) []schema.Failure {
	if path := in.Text("methodPath"); path != "" && !methodPath.MatchString(path) {
		return wrong("methodPath", "Invalid method setting path: %s: write */*, or ~1 for each slash of the resource's path, a slash and "+
			"a method", path)
	}
	return nil
}

func ofExistingStage(c *call) error {
	if c.store.Get(Stage, stageID(c.text("restApi"), c.text("stageName"))) == nil {
		return apiError("NotFoundException", "Invalid stage identifier specified")
	}
	return nil
}
