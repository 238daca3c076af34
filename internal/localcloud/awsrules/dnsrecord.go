package awsrules

import (
	"strings"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
)

const dnsRecordType = "aws:route53/record:Record"

// dnsRecord: every hosted zone exists.
var dnsRecord = &rule{
	token: dnsRecordType, args: (*route53.RecordArgs)(nil), resource: (*route53.Record)(nil), replace: []string{"zoneId", "name", "type"},
	id:      func(c *call) string { return c.text("zoneId") + "_" + c.text("name") + "_" + c.text("type") },
	prepare: recordIsNew,
	outputs: func(c *call) properties { return properties{"fqdn": strings.TrimSuffix(c.text("name"), ".")} },

	createTakes: 35 * time.Second, deleteTakes: 35 * time.Second,
}

func recordIsNew(c *call) error {
	if c.isNew() && c.object.Inputs["allowOverwrite"] != true && c.store.Get(dnsRecordType, c.object.ID) != nil {
		return apiError("InvalidChangeBatch", "Tried to create resource record set [name='%s', type='%s'] but it already exists",
			c.text("name"), c.text("type"))
	}
	return nil
}
