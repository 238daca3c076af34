package gateway

import (
	"encoding/json"

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
	key, err := iam.NewAccessKey(ctx, g.name+"-client", &iam.AccessKeyArgs{User: user.Name}, pulumi.Parent(g))
	if err != nil {
		return err
	}
	g.ClientAccessKeyID = key.ID().ToStringOutput()
	g.ClientSecretAccessKey = pulumi.ToSecret(key.Secret).(pulumi.StringOutput)
	return nil
}
