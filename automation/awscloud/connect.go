// Package awscloud asks AWS what has become of a stack: whether every hop of its chain works, whether the policy that
// is in force is the declared one, and whether an account has room for another stack. It changes nothing.
package awscloud

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Account is an AWS account in one region, as the credentials of the environment see it.
type Account struct {
	config    aws.Config
	gateway   *apigateway.Client
	balancers *elasticloadbalancingv2.Client
	clusters  *eks.Client
	tokens    *sts.Client
	quotas    *servicequotas.Client
	keys      *kms.Client
	users     *iam.Client
	logs      *cloudwatchlogs.Client
}

// Connect finds the credentials where every AWS SDK looks for them. An empty profile is the environment's. Whether the
// credentials are good for anything shows at the first question.
func Connect(ctx context.Context, region, profile string) (*Account, error) {
	options := []func(*config.LoadOptions) error{config.WithRegion(region)}
	if profile != "" {
		options = append(options, config.WithSharedConfigProfile(profile))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("AWS credentials: %w", err)
	}
	return &Account{
		config:    loaded,
		gateway:   apigateway.NewFromConfig(loaded),
		balancers: elasticloadbalancingv2.NewFromConfig(loaded),
		clusters:  eks.NewFromConfig(loaded),
		tokens:    sts.NewFromConfig(loaded),
		quotas:    servicequotas.NewFromConfig(loaded),
		keys:      kms.NewFromConfig(loaded),
		users:     iam.NewFromConfig(loaded),
		logs:      cloudwatchlogs.NewFromConfig(loaded),
	}, nil
}

// Caller is the ARN of whom the credentials belong to.
func (a *Account) Caller(ctx context.Context) (string, error) {
	who, err := a.tokens.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", err
	}
	return aws.ToString(who.Arn), nil
}

// CheckKey says whether a KMS key, by id, ARN or alias, exists and is enabled.
func (a *Account) CheckKey(ctx context.Context, id string) error {
	found, err := a.keys.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &id})
	if err != nil {
		return err
	}
	if !found.KeyMetadata.Enabled {
		return fmt.Errorf("key %s is %s", id, found.KeyMetadata.KeyState)
	}
	return nil
}
