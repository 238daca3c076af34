package awsrules

import (
	"reflect"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
)

// Type tokens of what says who may call how often.
const (
	APIKey       = "aws:apigateway/apiKey:ApiKey"
	UsagePlan    = "aws:apigateway/usagePlan:UsagePlan"
	UsagePlanKey = "aws:apigateway/usagePlanKey:UsagePlanKey"
)

var apiKey = &rule{
	token: APIKey, args: (*apigateway.ApiKeyArgs)(nil), resource: (*apigateway.ApiKey)(nil),
	autoName: "name", id: randomID("", 10), replace: []string{"value"},
	defaults: properties{"description": "Managed by Pulumi", "enabled": true}, outputs: apiKeyOutputs,
}

func apiKeyOutputs(c *call) properties {
	value := c.text("value")
	if value == "" {
		value = randomHex(40)
	}
	return properties{"value": value, "arn": c.apiGatewayARN("apikeys/%s", c.object.ID)}
}

var usagePlan = &rule{
	token: UsagePlan, args: (*apigateway.UsagePlanArgs)(nil), resource: (*apigateway.UsagePlan)(nil),
	autoName: "name", id: randomID("", 6), prepare: stagesExist,
	outputs:     func(c *call) properties { return properties{"arn": c.apiGatewayARN("usageplans/%s", c.object.ID)} },
	createTakes: time.Second, deleteTakes: 20 * time.Second,
}

func stagesExist(c *call) error {
	for _, item := range c.object.Inputs.Objects("apiStages[]") {
		if c.store.Get(Stage, stageID(item.Text("apiId"), item.Text("stage"))) == nil {
			return apiError("NotFoundException", "API Stage not found: %s:%s", item.Text("apiId"), item.Text("stage"))
		}
	}
	return nil
}

var usagePlanKey = &rule{
	token: UsagePlanKey, args: (*apigateway.UsagePlanKeyArgs)(nil), resource: (*apigateway.UsagePlanKey)(nil),
	id: func(c *call) string { return c.text("keyId") }, replace: []string{"keyId", "keyType", "usagePlanId"},
	refs: []ref{
		{path: "keyId", to: APIKey, missing: "NotFoundException"},
		{path: "usagePlanId", to: UsagePlan, missing: "NotFoundException", inUse: "BadRequestException"},
	},
	prepare: keyIsNotInStage, outputs: usagePlanKeyOutputs,
}

func usagePlanKeyOutputs(c *call) properties {
	key := c.store.Get(APIKey, c.text("keyId"))
	return properties{"name": key.Text("name"), "value": key.Text("value")}
}

// keyIsNotInStage: a key must be in one plan of a stage only.
func keyIsNotInStage(c *call) error {
	wanted := c.store.Get(UsagePlan, c.text("usagePlanId"))
	for _, link := range c.store.List(UsagePlanKey) {
		other := c.store.Get(UsagePlan, link.Text("usagePlanId"))
		if link.ID == c.object.ID && other != nil && other.ID != wanted.ID &&
			reflect.DeepEqual(other.Inputs["apiStages"], wanted.Inputs["apiStages"]) {
			return apiError("ConflictException", "API key %s is in a usage plan of this stage already", link.ID)
		}
	}
	return nil
}
