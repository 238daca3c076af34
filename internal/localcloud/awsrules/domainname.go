package awsrules

import (
	"fmt"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
)

// DomainName is the type token of custom domains, and BasePathMapping that of what they lead to.
const (
	DomainName      = "aws:apigateway/domainName:DomainName"
	BasePathMapping = "aws:apigateway/basePathMapping:BasePathMapping"
)

var domainName = &rule{
	token: DomainName, args: (*apigateway.DomainNameArgs)(nil), resource: (*apigateway.DomainName)(nil),
	unique: "domainName", replace: []string{"domainName"}, id: func(c *call) string { return c.text("domainName") },
	check: checkDomainName, prepare: certificateIsHere, outputs: domainNameOutputs,
	createTakes: 30 * time.Second, deleteTakes: 30 * time.Second, every: 30 * time.Second,
}

func checkDomainName(in properties) []schema.Failure {
	kind := endpointType(in)
	wanted := "regionalCertificateArn"
	if kind == "EDGE" {
		wanted = "certificateArn"
	}
	switch {
	case !in.Has(wanted):
		return wrong(wanted, "is required for an endpoint of type %s", kind)
	case in.Has("mutualTlsAuthentication") && (kind != "REGIONAL" || in["securityPolicy"] != "TLS_1_2"):
		return wrong("mutualTlsAuthentication", "takes a REGIONAL endpoint and the security policy TLS_1_2")
	}
	return nil
}

func certificateIsHere(c *call) error {
	property, region := "regionalCertificateArn", c.region
	if endpointType(c.object.Inputs) == "EDGE" {
		property, region = "certificateArn", "us-east-1"
	}
	if arn := c.text(property); !strings.Contains(arn, ":acm:"+region+":") {
		return apiError("BadRequestException", "The certificate %s must be in the region %s", arn, region)
	}
	return certificateCovers(c, c.text(property))
}

// certificateCovers: an asterisk stands for one label. Of certificates that nobody made here the names are not known.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-custom-domains.html
func certificateCovers(c *call, arn string) error {
	found := c.store.Get(certificateType, arn)
	if found == nil {
		return nil
	}
	name := c.text("domainName")
	_, rest, _ := strings.Cut(name, ".")
	for _, covered := range append(found.Inputs.Texts("subjectAlternativeNames[]"), found.Text("domainName")) {
		if covered == name || covered == "*."+rest {
			return nil
		}
	}
	return apiError("BadRequestException", "The certificate %s does not cover the domain name %s", arn, name)
}

func domainNameOutputs(c *call) properties {
	return properties{
		"arn":                c.apiGatewayARN("domainnames/%s", c.object.ID),
		"regionalDomainName": fmt.Sprintf("d-%s.execute-api.%s.amazonaws.com", lowerHash(c.object.ID, 10), c.region),
		"regionalZoneId":     "Z1UJRXOUMOOFQ8",
		// CloudFront's zone is the same everywhere.
		"cloudfrontDomainName": fmt.Sprintf("d%s.cloudfront.net", lowerHash(c.object.ID, 13)),
		"cloudfrontZoneId":     "Z2FDTNDATAQYW2",
	}
}

var basePathMapping = &rule{
	token: BasePathMapping, args: (*apigateway.BasePathMappingArgs)(nil), resource: (*apigateway.BasePathMapping)(nil),
	replace: []string{"domainName"}, id: func(c *call) string { return c.text("domainName") + "/" + c.text("basePath") },
	refs: []ref{
		{path: "domainName", to: DomainName, missing: "NotFoundException"},
		{path: "restApi", to: RestAPI, missing: "BadRequestException", inUse: "BadRequestException"},
	},
}
