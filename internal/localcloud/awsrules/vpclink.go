package awsrules

import (
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
)

// VPCLink is the type token of VPC links V1, and VPCLinkAvailable the state in which one carries requests.
const (
	VPCLink          = "aws:apigateway/vpcLink:VpcLink"
	VPCLinkAvailable = "AVAILABLE"
)

var vpcLink = &rule{
	token: VPCLink, args: (*apigateway.VpcLinkArgs)(nil), resource: (*apigateway.VpcLink)(nil),
	autoName: "name", id: randomID("", 6), replace: []string{"targetArn"},
	refs:    []ref{{path: "targetArn", to: LoadBalancer, missing: "BadRequestException", inUse: "ResourceInUse"}},
	prepare: balancerIsFree, mayDelete: linkIsUnused,
	outputs: func(c *call) properties { return properties{"arn": c.apiGatewayARN("vpclinks/%s", c.object.ID)} },
	failed:  "FAILED", reason: "NLB is already associated with another VPC Endpoint Service",
	pending: "PENDING", ready: VPCLinkAvailable, createTakes: 180 * time.Second, deleteTakes: 30 * time.Second,
}

// balancerIsFree: a Network Load Balancer serves one endpoint service, and so one link.
func balancerIsFree(c *call) error {
	arn := c.text("targetArn")
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

// linkIsUnused: a link stays while an API's definition or the deployment of a stage sends requests through it.
func linkIsUnused(c *call) error {
	for _, api := range c.store.List(RestAPI) {
		if err := c.refersToLink(api.Text("body"), api.ID); err != nil {
			return err
		}
	}
	for _, stage := range c.store.List(Stage) {
		for _, id := range []string{stage.Inputs.Text("deployment"), stage.Inputs.Text("canarySettings.deploymentId")} {
			if deployment := c.store.Get(Deployment, id); deployment != nil {
				if err := c.refersToLink(deployment.Private.Text("api.body"), "stage "+stage.Text("stageName")); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (c *call) refersToLink(body, where string) error {
	definition, err := restapi.Parse([]byte(body))
	if err != nil {
		return err
	}
	for _, method := range definition.Methods() {
		if method.Integration.ConnectionID == c.object.ID {
			return apiError("BadRequestException", "Cannot delete vpc link. Vpc link '%s', is referenced in %s of %s", c.object.ID,
				method.ResourcePath, where)
		}
	}
	return nil
}
