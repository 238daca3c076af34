package awsrules

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
)

// LaunchTemplate is the type token of launch templates.
const LaunchTemplate = "aws:ec2/launchTemplate:LaunchTemplate"

var launchTemplate = &rule{
	token: LaunchTemplate, args: (*ec2.LaunchTemplateArgs)(nil), resource: (*ec2.LaunchTemplate)(nil), id: randomID("lt-", 17),
	autoName: "name", maxName: 128, unique: "name", replace: []string{"name"},
	prepare: nextVersion, outputs: launchTemplateOutputs,
}

func nextVersion(c *call) error {
	c.object.Private["version"] = c.object.Private.Number("version") + 1
	return nil
}

func launchTemplateOutputs(c *call) properties {
	version := c.object.Private["version"]
	return properties{"arn": c.regional("ec2", "launch-template/"+c.object.ID), "latestVersion": version, "defaultVersion": version}
}
