// Package encryption declares a KMS key of the stack's own, for Kubernetes Secrets and for logs.
package encryption

import (
	"encoding/json"
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/components/location"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	typeToken = "apigateway-ingress:encryption:Key"
	// deletionDays is the longest time that KMS waits before it deletes a key: what it has encrypted is lost then.
	// https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
	deletionDays = 30
)

// Settings are what decides about the key.
type Settings struct {
	// CreateKMSKey makes a KMS key, which AWS rotates every year, for Kubernetes Secrets and logs where no other is named.
	CreateKMSKey bool `pulumi:"createKmsKey,optional" hardened:"true"`
}

// Args describe the key.
type Args struct {
	// Location is where the key is. Default that of the AWS provider.
	Location location.Location `pulumi:"location,optional"`
	// Tags are put on the key.
	Tags pulumi.StringMapInput `pulumi:"tags,optional"`
}

// Key is the KMS key.
type Key struct {
	pulumi.ResourceState

	// ARN is the key's.
	ARN pulumi.StringOutput `pulumi:"arn"`
}

// New declares the key.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Key, error) {
	a := Args{}
	if args != nil {
		a = *args
	}
	k := &Key{}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, settings.Inputs(a), k, opts...); err != nil {
		return nil, err
	}
	place, err := a.Location.Resolve(ctx, pulumi.Parent(k))
	if err != nil {
		return nil, settings.Named("encryption", name, err)
	}
	policy, err := keyPolicy(place)
	if err != nil {
		return nil, settings.Named("encryption", name, err)
	}
	key, err := kms.NewKey(ctx, name, &kms.KeyArgs{
		Description: pulumi.String("secrets and logs of " + name), EnableKeyRotation: pulumi.Bool(true),
		DeletionWindowInDays: pulumi.Int(deletionDays),
		Policy:               pulumi.String(policy), Tags: a.Tags,
	}, pulumi.Parent(k))
	if err != nil {
		return nil, settings.Named("encryption", name, err)
	}
	k.ARN = key.Arn
	return k, ctx.RegisterResourceOutputs(k, pulumi.Map{"arn": k.ARN})
}

// keyPolicy leaves it to the account's IAM policies who may use the key, and lets CloudWatch Logs use it for log groups of
// the account. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/logs/encrypt-log-data-kms.html
func keyPolicy(place location.Location) (string, error) {
	domain := "amazonaws.com"
	if place.Partition == "aws-cn" {
		domain = "amazonaws.com.cn"
	}
	encoded, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{
		map[string]any{
			"Sid": "AccountDecides", "Effect": "Allow", "Action": "kms:*", "Resource": "*",
			"Principal": map[string]string{"AWS": fmt.Sprintf("arn:%s:iam::%s:root", place.Partition, place.Account)},
		},
		map[string]any{
			"Sid": "Logs", "Effect": "Allow", "Resource": "*",
			"Action":    []string{"kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"},
			"Principal": map[string]string{"Service": fmt.Sprintf("logs.%s.%s", place.Region, domain)},
			"Condition": map[string]any{"ArnLike": map[string]string{
				"kms:EncryptionContext:aws:logs:arn": fmt.Sprintf("arn:%s:logs:%s:%s:log-group:*", place.Partition, place.Region, place.Account),
			}},
		},
	}})
	return string(encoded), err
}
