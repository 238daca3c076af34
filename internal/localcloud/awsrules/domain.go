package awsrules

import (
	"fmt"
	"strings"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/acm"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
)

const (
	certificate = "aws:acm/certificate:Certificate"
	dnsRecord   = "aws:route53/record:Record"
)

// domainRules: certificates are those of ACM, and every hosted zone exists.
var domainRules = []*rule{
	{
		token: certificate, args: (*acm.CertificateArgs)(nil), replace: []string{"domainName", "validationMethod", "subjectAlternativeNames"},
		required: []string{"domainName"},
		id: func(c *call) string {
			h := randomHex(32)
			return c.arn("acm", c.region, fmt.Sprintf("certificate/%s-%s-%s-%s-%s", h[:8], h[8:12], h[12:16], h[16:20], h[20:]))
		},
		mayDelete: func(c *call) error {
			for _, domain := range c.store.List(DomainName) {
				if domain.Text("regionalCertificateArn") == c.object.ID || domain.Text("certificateArn") == c.object.ID {
					return apiError("ResourceInUseException", "Certificate %s is in use", c.object.ID)
				}
			}
			return nil
		},
		outputs: func(c *call) map[string]any {
			name := strings.TrimPrefix(c.object.Text("domainName"), "*.")
			return map[string]any{"arn": c.object.ID, "status": "PENDING_VALIDATION", "domainValidationOptions": []any{map[string]any{
				"domainName": c.object.Text("domainName"), "resourceRecordName": "_" + lowerHash(name, 32) + "." + name + ".",
				"resourceRecordType": "CNAME", "resourceRecordValue": "_" + lowerHash(c.object.ID, 32) + ".acm-validations.aws.",
			}}}
		},
		createTakes: 5 * time.Second,
	},
	{
		token: "aws:acm/certificateValidation:CertificateValidation", args: (*acm.CertificateValidationArgs)(nil), replace: []string{"certificateArn", "validationRecordFqdns"},
		id:      func(c *call) string { return c.object.Text("certificateArn") },
		refs:    []ref{{path: "certificateArn", to: certificate, missing: "ResourceNotFoundException"}},
		prepare: isProved, createTakes: 60 * time.Second,
	},
	{
		token: dnsRecord, args: (*route53.RecordArgs)(nil), replace: []string{"zoneId", "name", "type"},
		id: func(c *call) string {
			return c.object.Text("zoneId") + "_" + c.object.Text("name") + "_" + c.object.Text("type")
		},
		prepare: func(c *call) error {
			if c.object.Outputs == nil && c.object.Inputs["allowOverwrite"] != true && c.store.Get(dnsRecord, c.object.ID) != nil {
				return apiError("InvalidChangeBatch", "Tried to create resource record set [name='%s', type='%s'] but it already exists", c.object.Text("name"), c.object.Text("type"))
			}
			return nil
		},
		outputs: func(c *call) map[string]any {
			return map[string]any{"fqdn": strings.TrimSuffix(c.object.Text("name"), ".")}
		},
		createTakes: 35 * time.Second, deleteTakes: 35 * time.Second,
	},
}

// isProved: ACM issues a certificate once its record is there.
func isProved(c *call) error {
	for _, option := range items(c.store.Get(certificate, c.object.Text("certificateArn")).Outputs["domainValidationOptions"]) {
		for _, record := range c.store.List(dnsRecord) {
			for _, value := range valuesAt(record.Inputs, "records[]") {
				if record.Text("name") == option["resourceRecordName"] && value == option["resourceRecordValue"] {
					return nil
				}
			}
		}
	}
	return apiError("RequestError", "the certificate is not issued: no record proves it")
}
