package awsrules

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
)

// RestAPI is the type token of REST APIs.
const RestAPI = "aws:apigateway/restApi:RestApi"

var ofRestAPI = ref{path: "restApi", to: RestAPI, missing: "NotFoundException"}

var restAPI = &rule{
	token: RestAPI, args: (*apigateway.RestApiArgs)(nil), resource: (*apigateway.RestApi)(nil),
	autoName: "name", id: randomID("", 10),
	refs:  []ref{{path: "endpointConfiguration.vpcEndpointIds[]", to: VPCEndpoint, missing: "BadRequestException"}},
	check: checkRestAPI, prepare: importDefinition, outputs: restAPIOutputs, deleted: removeStages,
	createTakes: 3 * time.Second, every: 3 * time.Second, deleteTakes: 30 * time.Second,
}

// apiGatewayARN names something of API Gateway's control plane.
func (c *call) apiGatewayARN(path string, args ...any) string {
	return fmt.Sprintf("arn:%s:apigateway:%s::/", Partition(c.region), c.region) + fmt.Sprintf(path, args...)
}

func restAPIOutputs(c *call) properties {
	return properties{
		"arn":            c.apiGatewayARN("restapis/%s", c.object.ID),
		"executionArn":   c.regional("execute-api", c.object.ID),
		"rootResourceId": lowerHash(c.object.ID, 10),
	}
}

// checkRestAPI looks at what does not depend on other objects.
func checkRestAPI(in properties) []schema.Failure {
	if failures := checkPolicy("policy")(in); len(failures) > 0 {
		return failures
	}
	endpoint, kind := in.Object("endpointConfiguration"), endpointType(in)
	if kind != "" && !slices.Contains([]string{"REGIONAL", "EDGE", "PRIVATE"}, kind) || kind != "PRIVATE" && endpoint.Has("vpcEndpointIds") {
		return wrong("endpointConfiguration", "types is REGIONAL, EDGE or PRIVATE, and only PRIVATE takes vpcEndpointIds")
	}
	body, ok := in["body"].(string)
	if !ok {
		return nil
	}
	if _, err := restapi.Parse([]byte(body)); err != nil {
		return wrong("body", "BadRequestException: %s", err)
	}
	return nil
}

// endpointType is REGIONAL, EDGE or PRIVATE; of an API or of a domain.
func endpointType(in properties) string { return in.Text("endpointConfiguration.types") }

// importDefinition refuses a definition whose integrations name a link that does not exist, as an import does.
// A new API gets its port here, too.
func importDefinition(c *call) error {
	definition, err := restapi.Parse([]byte(c.text("body")))
	if err != nil {
		return apiError("BadRequestException", "%s", err)
	}
	for _, method := range definition.Methods() {
		if link := method.Integration.ConnectionID; link != "" && c.store.Get(VPCLink, link) == nil {
			return apiError("BadRequestException", "VPC link %s is not valid", link)
		}
	}
	if c.object.Private["port"] != nil {
		return c.dropEndpoints(definition)
	}
	port, err := c.host.ListenForAPI(c.object.ID)
	c.object.Private["port"] = float64(port)
	return err
}

// patchTakes is how long an API is without the endpoints that its definition does not name.
const patchTakes = 50 * time.Millisecond

// dropEndpoints: an import in overwrite mode leaves an API with the VPC endpoints that the document names. The provider
// associates the others again, and until then a private API cannot be called.
// https://github.com/hashicorp/terraform-provider-aws/pull/26051
func (c *call) dropEndpoints(definition *restapi.Definition) error {
	wanted := c.object.Inputs.Texts("endpointConfiguration.vpcEndpointIds[]")
	if len(wanted) == 0 || slices.Equal(wanted, definition.VPCEndpointIDs) {
		return nil
	}
	imported := *c.object
	imported.Inputs = maps.Clone(c.object.Inputs)
	endpoint := maps.Clone(c.object.Inputs.Object("endpointConfiguration"))
	endpoint["vpcEndpointIds"] = nil
	imported.Inputs["endpointConfiguration"] = map[string]any(endpoint)
	if err := c.store.Put(&imported); err != nil {
		return err
	}
	time.Sleep(patchTakes)
	return nil
}

// removeStages: an API takes along what belongs to it.
func removeStages(c *call) error {
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

// apiGatewayAccount is what API Gateway keeps once for each account and region.
var apiGatewayAccount = &rule{
	token: "aws:apigateway/account:Account", args: (*apigateway.AccountArgs)(nil), resource: (*apigateway.Account)(nil),
	id: func(*call) string { return "api-gateway-account" },
}
