package awsrules

import (
	"fmt"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
)

// KMSKey is the type token of KMS keys.
const KMSKey = "aws:kms/key:Key"

var kmsKey = &rule{
	token: KMSKey, args: (*kms.KeyArgs)(nil), resource: (*kms.Key)(nil),
	id:      func(*call) string { return randomUUID() },
	replace: []string{"keyUsage", "customerMasterKeySpec", "multiRegion"}, check: checkKey,
	outputs: func(c *call) properties {
		return properties{"arn": c.regional("kms", "key/"+c.object.ID), "keyId": c.object.ID}
	},
}

// checkKey: KMS refuses a policy that lets nobody change it again, and waits 7 to 30 days before it deletes a key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
func checkKey(in properties) []schema.Failure {
	if days := in.Number("deletionWindowInDays"); days != 0 && (days < 7 || days > 30) {
		return wrong("deletionWindowInDays", "is not from 7 to 30")
	}
	policy := in.Text("policy")
	if policy == "" {
		return nil
	}
	if failures := checkPolicy("policy")(in); failures != nil {
		return failures
	}
	if !strings.Contains(policy, "kms:*") && !strings.Contains(policy, "kms:PutKeyPolicy") {
		return wrong("policy", "MalformedPolicyDocumentException: The new key policy will not allow you to update the key policy in the future.")
	}
	return nil
}

func randomUUID() string {
	text := randomHex(32)
	return fmt.Sprintf("%s-%s-%s-%s-%s", text[:8], text[8:12], text[12:16], text[16:20], text[20:])
}

// logsMayUse: CloudWatch Logs takes a key only if the key's policy admits it. Keys of elsewhere are believed.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/logs/encrypt-log-data-kms.html
func logsMayUse(c *call) error {
	arn := c.text("kmsKeyId")
	for _, key := range c.store.List(KMSKey) {
		if key.Text("arn") == arn && !strings.Contains(key.Text("policy"), "logs."+c.region+".") {
			return apiError("InvalidParameterException", "The specified KMS key does not exist or is not allowed to be used with Arn '%s'",
				c.regional("logs", "log-group:"+c.object.ID))
		}
	}
	return nil
}
