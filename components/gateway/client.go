package gateway

import (
	"encoding/json"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

type client struct{ *iam.User }

// clientUser is nil when none is wanted.
func (g *Gateway) clientUser(ctx *pulumi.Context) (*client, error) {
	if !g.args.Access.ClientUser {
		return nil, nil
	}
	user, err := g.args.IAM.User(ctx, g.name+"-client", &iam.UserArgs{Tags: g.tags()}, pulumi.Parent(g))
	return &client{user}, err
}

func (g *Gateway) clientKey(ctx *pulumi.Context, api *apigateway.RestApi, user *client) error {
	g.ClientAccessKeyID = pulumi.String("").ToStringOutput()
	g.ClientSecretAccessKey = pulumi.String("").ToStringOutput()
	if user == nil {
		return nil
	}
	policy := api.ExecutionArn.ApplyT(func(arn string) (string, error) {
		encoded, err := json.Marshal(policyDocument{Version: policyVersion, Statement: []statement{{
			Sid: "InvokeTheAPI", Effect: "Allow", Action: invoke, Resource: arn + "/" + g.args.Stage.Name + "/*",
		}}})
		return string(encoded), err
	}).(pulumi.StringOutput)
	if _, err := iam.NewUserPolicy(ctx, g.name+"-client", &iam.UserPolicyArgs{User: user.Name, Policy: policy}, pulumi.Parent(g)); err != nil {
		return err
	}
	generation := max(g.args.Access.ClientKeyGeneration, 1)
	if g.args.Access.KeepFormerClientKey && generation > 1 {
		if _, err := g.accessKey(ctx, user, generation-1); err != nil {
			return err
		}
	}
	key, err := g.accessKey(ctx, user, generation)
	if err != nil {
		return err
	}
	g.ClientAccessKeyID = key.ID().ToStringOutput()
	g.ClientSecretAccessKey = pulumi.ToSecret(key.Secret).(pulumi.StringOutput)
	return nil
}

// accessKey is one generation's. A user has two at most: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func (g *Gateway) accessKey(ctx *pulumi.Context, user *client, generation int) (*iam.AccessKey, error) {
	name := g.name + "-client"
	if generation > 1 {
		name += fmt.Sprintf("-%d", generation)
	}
	return iam.NewAccessKey(ctx, name, &iam.AccessKeyArgs{User: user.Name}, pulumi.Parent(g))
}
