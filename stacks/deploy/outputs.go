package deploy

import (
	"reflect"

	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Outputs are what a stack gives to its users: the verb outputs prints them, and ephemeral puts them into its command's
// environment.
type Outputs struct {
	// APIEndpoint is the address of the API's stage, https://ID.execute-api.REGION.amazonaws.com/STAGE.
	APIEndpoint pulumi.Input `pulumi:"apiEndpoint"`
	// Region is the AWS region, for which requests are signed.
	Region pulumi.Input `pulumi:"region"`
	// DomainURL is the address of the API by its own domain, base path included. Empty without a domain.
	DomainURL pulumi.Input `pulumi:"domainUrl"`
	// DomainURLs are the addresses by each domain name of the API, those of hosts included.
	DomainURLs pulumi.Input `pulumi:"domainUrls"`
	// DomainTarget is where the DNS record of the domain must point, when there is no hostedZoneId.
	DomainTarget pulumi.Input `pulumi:"domainTarget"`
	// DomainTargets are the same for each domain name.
	DomainTargets pulumi.Input `pulumi:"domainTargets"`
	// ClientAccessKeyID is the access key of the client user. Empty without clientUser.
	ClientAccessKeyID pulumi.Input `pulumi:"clientAccessKeyId"`
	// ClientSecretAccessKey is the secret that belongs to it.
	ClientSecretAccessKey pulumi.Input `pulumi:"clientSecretAccessKey" provider:"secret"`
	// APIKeys are the values of the usage plans' keys, by the names in the config.
	APIKeys pulumi.Input `pulumi:"apiKeys" provider:"secret"`
	// RestAPIID is the id of the REST API.
	RestAPIID pulumi.Input `pulumi:"restApiId"`
	// StageName is the name of the stage.
	StageName pulumi.Input `pulumi:"stageName"`
	// DeploymentID is the newest deployment, for a later canary or rollback: the config key stableDeployment.
	DeploymentID pulumi.Input `pulumi:"deploymentId"`
	// VpcLinkID is the id of the VPC link.
	VpcLinkID pulumi.Input `pulumi:"vpcLinkId"`
	// VPCEndpointID is the VPC endpoint for a private API that the stack made. Empty without createVpcEndpoint.
	VPCEndpointID pulumi.Input `pulumi:"vpcEndpointId"`
	// NLBDNSName is the name of the load balancer, which only the VPC can reach.
	NLBDNSName pulumi.Input `pulumi:"nlbDnsName"`
	// ClusterName is the name of the EKS cluster, for kubectl and for stacks that share it.
	ClusterName pulumi.Input `pulumi:"clusterName"`
	// VpcID is the VPC of the cluster.
	VpcID pulumi.Input `pulumi:"vpcId"`
	// PrivateSubnetIDs are the private subnets, one a zone.
	PrivateSubnetIDs pulumi.Input `pulumi:"privateSubnetIds"`
	// PodRoleARN is the AWS role of pods that manage the gateway. Empty with podRole none.
	PodRoleARN pulumi.Input `pulumi:"podRoleArn"`
}

func outputsOf(p *platform.Platform, region, domainURL string) Outputs {
	domainURLs := pulumi.StringMap{}
	for _, domain := range p.Domains() {
		domainURLs[domain.Name] = pulumi.String(domain.URL())
	}
	return Outputs{
		APIEndpoint: p.Endpoint, Region: pulumi.String(region),
		DomainURL: pulumi.String(domainURL), DomainURLs: domainURLs, DomainTarget: p.DomainTarget, DomainTargets: p.DomainTargets,
		ClientAccessKeyID: p.ClientAccessKeyID, ClientSecretAccessKey: p.ClientSecretAccessKey, APIKeys: p.APIKeys,
		RestAPIID: p.RestAPIID, StageName: p.StageName, DeploymentID: p.DeploymentID, VpcLinkID: p.VpcLinkID,
		VPCEndpointID: p.VPCEndpointID, NLBDNSName: p.NLBDNSName,
		ClusterName: p.ClusterName, VpcID: p.VpcID, PrivateSubnetIDs: p.PrivateSubnetIDs, PodRoleARN: p.PodRoleARN,
	}
}

// export gives each field to the stack under the name in its tag.
func (o Outputs) export(ctx *pulumi.Context) {
	values := reflect.ValueOf(o)
	for i, field := range reflect.VisibleFields(values.Type()) {
		value, _ := values.Field(i).Interface().(pulumi.Input)
		if field.Tag.Get("provider") == "secret" {
			value = pulumi.ToSecret(value)
		}
		ctx.Export(field.Tag.Get("pulumi"), value)
	}
}
