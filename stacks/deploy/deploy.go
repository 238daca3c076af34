// Package deploy is the one program of this project: a stack's config in, a Platform out. `pulumi up` runs
// it through the main package beside it, the apigw-ingress binary as an inline program.
package deploy

import (
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

// Stack is the Pulumi program.
func Stack(ctx *pulumi.Context) error { return In(ctx.RootDirectory())(ctx) }

// In is the same program for a project in another folder than the engine's.
func In(root string) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		settings, err := Read(func(key string) (string, bool) {
			return ctx.GetConfig(ctx.Project() + ":" + key)
		}, root)
		if err != nil {
			return err
		}
		return settings.declare(ctx)
	}
}

func (s *Settings) declare(ctx *pulumi.Context) error {
	args := s.Platform
	region, err := locate(ctx, &args.Location)
	if err != nil {
		return err
	}
	zones, err := aws.GetAvailabilityZones(ctx, &aws.GetAvailabilityZonesArgs{
		State: pulumi.StringRef("available"),
		// Local Zones offer neither EKS control planes nor VPC links.
		Filters: []aws.GetAvailabilityZonesFilter{{Name: "opt-in-status", Values: []string{"opt-in-not-required"}}},
	})
	if err != nil {
		return fmt.Errorf("availability zones of %s: %w", region, err)
	}
	if len(zones.Names) < s.ZoneCount {
		return fmt.Errorf("availabilityZones: %s has %d zones, %d are wanted", region, len(zones.Names), s.ZoneCount)
	}
	args.AvailabilityZones = zones.Names[:s.ZoneCount]
	args.Tags = map[string]string{
		"managed-by": "apigateway-ingress",
		"project":    ctx.Project(),
		"stack":      ctx.Stack(),
	}
	p, err := platform.New(ctx, s.Name, &args)
	if err != nil {
		return err
	}
	ctx.Export("apiEndpoint", p.Endpoint)
	ctx.Export("region", pulumi.String(region))
	ctx.Export("restApiId", p.RestAPIID)
	ctx.Export("stageName", p.StageName)
	ctx.Export("vpcLinkId", p.VpcLinkID)
	ctx.Export("nlbDnsName", p.NLBDNSName)
	ctx.Export("clusterName", p.ClusterName)
	ctx.Export("podRoleArn", p.PodRoleARN)
	ctx.Export("domainTarget", p.DomainTarget)
	ctx.Export("clientAccessKeyId", p.ClientAccessKeyID)
	ctx.Export("clientSecretAccessKey", pulumi.ToSecret(p.ClientSecretAccessKey))
	return nil
}

func locate(ctx *pulumi.Context, location *platform.Location) (string, error) {
	if region := config.Get(ctx, "aws:region"); region == "" {
		return "", fmt.Errorf("no region is set: run `pulumi config set aws:region us-east-1`")
	}
	region, err := aws.GetRegion(ctx, nil)
	if err != nil {
		return "", fmt.Errorf("region: %w", err)
	}
	caller, err := aws.GetCallerIdentity(ctx, nil)
	if err != nil {
		return "", fmt.Errorf("AWS account: %w", err)
	}
	partition, err := aws.GetPartition(ctx, nil)
	if err != nil {
		return "", fmt.Errorf("partition: %w", err)
	}
	*location = platform.Location{Partition: partition.Partition, Region: region.Name, Account: caller.AccountId}
	return region.Name, nil
}
