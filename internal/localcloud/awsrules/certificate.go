package awsrules

import (
	"fmt"
	"strings"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/acm"
)

const certificateType = "aws:acm/certificate:Certificate"

var certificate = &rule{
	token: certificateType, args: (*acm.CertificateArgs)(nil), resource: (*acm.Certificate)(nil), id: certificateARN,
	required: []string{"domainName"}, replace: []string{"domainName", "validationMethod", "subjectAlternativeNames"},
	mayDelete: certificateIsUnused, outputs: certificateOutputs, createTakes: 5 * time.Second,
}

func certificateARN(c *call) string {
	h := randomHex(32)
	return c.regional("acm", fmt.Sprintf("certificate/%s-%s-%s-%s-%s", h[:8], h[8:12], h[12:16], h[16:20], h[20:]))
}

func certificateIsUnused(c *call) error {
	for _, domain := range c.store.List(DomainName) {
		if domain.Text("regionalCertificateArn") == c.object.ID || domain.Text("certificateArn") == c.object.ID {
			return apiError("ResourceInUseException", "Certificate %s is in use", c.object.ID)
		}
	}
	return nil
}

// certificateOutputs: an account proves a name by one record, that of its wildcard as well, whichever certificate asks.
// https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
func certificateOutputs(c *call) properties {
	name := strings.TrimPrefix(c.text("domainName"), "*.")
	return properties{"arn": c.object.ID, "status": "PENDING_VALIDATION", "domainValidationOptions": []any{map[string]any{
		"domainName": c.text("domainName"), "resourceRecordName": "_" + lowerHash(name, 32) + "." + name + ".",
		"resourceRecordType": "CNAME", "resourceRecordValue": "_" + lowerHash("proof of "+name, 32) + ".acm-validations.aws.",
	}}}
}

var certificateValidation = &rule{
	token: "aws:acm/certificateValidation:CertificateValidation",
	args:  (*acm.CertificateValidationArgs)(nil), resource: (*acm.CertificateValidation)(nil),
	id: func(c *call) string { return c.text("certificateArn") }, replace: []string{"certificateArn", "validationRecordFqdns"},
	refs:    []ref{{path: "certificateArn", to: certificateType, missing: "ResourceNotFoundException"}},
	prepare: isProved, createTakes: 60 * time.Second,
}

// isProved: ACM issues a certificate once its record is there.
func isProved(c *call) error {
	for _, option := range c.store.Get(certificateType, c.text("certificateArn")).Outputs.Objects("domainValidationOptions[]") {
		for _, record := range c.store.List(dnsRecordType) {
			for _, value := range record.Inputs.Texts("records[]") {
				if record.Text("name") == option["resourceRecordName"] && value == option["resourceRecordValue"] {
					return nil
				}
			}
		}
	}
	return apiError("RequestError", "the certificate is not issued: no record proves it")
}
