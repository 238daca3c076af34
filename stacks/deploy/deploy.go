// Package deploy is the one program of this project: a stack's config in, a Platform out. `pulumi up` runs
// it through the main package beside it, the apigw-ingress binary as an inline program.
package deploy

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/gateway"
	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Stack is the Pulumi program.
func Stack(ctx *pulumi.Context) error { return In(ctx.RootDirectory())(ctx) }

// In is the same program for a project in another folder than the engine's.
func In(root string) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		settings, err := Read(func(key string) (string, bool) {
			if !strings.Contains(key, ":") {
				key = ctx.Project() + ":" + key
			}
			return ctx.GetConfig(key)
		}, root)
		if err != nil {
			return err
		}
		return settings.declare(ctx)
	}
}

func (s *Settings) declare(ctx *pulumi.Context) error {
	args := s.Platform
	if s.Region == "" {
		return errors.New("no region is set: run `pulumi config set aws:region us-east-1`")
	}
	if err := locate(ctx, &args.Location); err != nil {
		return err
	}
	zones, err := s.zones(ctx)
	if err != nil {
		return err
	}
	args.AvailabilityZones = zones
	if err := s.adopt(ctx, &args); err != nil {
		return err
	}
	args.Tags = map[string]string{
		"managed-by": "apigateway-ingress",
		"project":    ctx.Project(),
		"stack":      ctx.Stack(),
	}
	args.IAM.Path = fmt.Sprintf("/apigateway-ingress/%s/%s/", ctx.Project(), ctx.Stack())
	if args.Group != "" {
		args.Tags["route-group"] = args.Group
	}
	if args.CertificateProvider, err = s.certificateProvider(ctx); err != nil {
		return err
	}
	p, err := platform.New(ctx, s.Name, &args)
	if err != nil {
		return err
	}
	export(ctx, p, args.Location.Region)
	ctx.Export("domainUrl", pulumi.String(domainURL(args.Gateway.Domain, args.Ingresses)))
	return nil
}

// domainURL is where the API answers under its own name; empty without one.
func domainURL(domain gateway.Domain, ingresses []ingress.Ingress) string {
	name := domain.Name
	for _, i := range ingresses {
		name = cmp.Or(name, strings.TrimSpace(i.Annotations[ingress.AnnotationPrefix+"custom-domain-name"]))
	}
	if name == "" || strings.HasPrefix(name, "*") {
		return ""
	}
	return strings.TrimSuffix("https://"+name+"/"+domain.BasePath, "/")
}

func export(ctx *pulumi.Context, p *platform.Platform, region string) {
	ctx.Export("apiEndpoint", p.Endpoint)
	ctx.Export("region", pulumi.String(region))
	ctx.Export("restApiId", p.RestAPIID)
	ctx.Export("stageName", p.StageName)
	ctx.Export("deploymentId", p.DeploymentID)
	ctx.Export("vpcLinkId", p.VpcLinkID)
	ctx.Export("nlbDnsName", p.NLBDNSName)
	ctx.Export("clusterName", p.ClusterName)
	ctx.Export("vpcId", p.VpcID)
	ctx.Export("privateSubnetIds", p.PrivateSubnetIDs)
	ctx.Export("podRoleArn", p.PodRoleARN)
	ctx.Export("domainTarget", p.DomainTarget)
	ctx.Export("apiKeys", pulumi.ToSecret(p.APIKeys))
	ctx.Export("clientAccessKeyId", p.ClientAccessKeyID)
	ctx.Export("clientSecretAccessKey", pulumi.ToSecret(p.ClientSecretAccessKey))
}

func locate(ctx *pulumi.Context, location *platform.Location) error {
	region, err := aws.GetRegion(ctx, nil)
	if err != nil {
		return fmt.Errorf("region: %w", err)
	}
	caller, err := aws.GetCallerIdentity(ctx, nil)
	if err != nil {
		return fmt.Errorf("AWS account: %w", err)
	}
	partition, err := aws.GetPartition(ctx, nil)
	if err != nil {
		return fmt.Errorf("partition: %w", err)
	}
	*location = platform.Location{Partition: partition.Partition, Region: region.Name, Account: caller.AccountId}
	return nil
}

func (s *Settings) zones(ctx *pulumi.Context) ([]string, error) {
	// No state is asked for: a zone that is impaired today keeps its subnets.
	found, err := aws.GetAvailabilityZones(ctx, &aws.GetAvailabilityZonesArgs{
		// Local Zones offer neither EKS control planes nor VPC links.
		Filters: []aws.GetAvailabilityZonesFilter{{Name: "opt-in-status", Values: []string{"opt-in-not-required"}}},
	})
	if err != nil {
		return nil, fmt.Errorf("availability zones of %s: %w", s.Region, err)
	}
	zones := make([]network.Zone, len(found.Names))
	for i, name := range found.Names {
		zones[i] = network.Zone{Name: name, ID: found.ZoneIds[i]}
	}
	return network.ChooseZones(zones, s.ZoneCount)
}
