package awsrules

import (
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
)

// LaunchTemplate is the type token of launch templates.
const LaunchTemplate = "aws:ec2/launchTemplate:LaunchTemplate"

var launchTemplate = &rule{
	token: LaunchTemplate, args: (*ec2.LaunchTemplateArgs)(nil), resource: (*ec2.LaunchTemplate)(nil), id: randomID("lt-", 17),
	autoName: "name", maxName: 128, unique: "name", replace: []string{"name"},
	check: checkTagSpecifications, prepare: nextVersion, outputs: launchTemplateOutputs,
}

// checkTagSpecifications: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html; a specification
// without tags is an InvalidParameterValue: "Tag specification must have at least one tag".
func checkTagSpecifications(in properties) []schema.Failure {
	for _, specification := range in.Objects("tagSpecifications[]") {
		if !specification.Has("tags") {
			return wrong("tagSpecifications", "Tag specification must have at least one tag")
		}
	}
	return nil
}

func nextVersion(c *call) error {
	c.object.Private["version"] = c.object.Private.Number("version") + 1
	return nil
}

func launchTemplateOutputs(c *call) properties {
	version := c.object.Private["version"]
	return properties{"arn": c.regional("ec2", "launch-template/"+c.object.ID), "latestVersion": version, "defaultVersion": version}
}
