package gateway

import (
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// functionPermissions let API Gateway ask the functions of Lambda authorizers. The ids of authorizers are not known to
// a program that imports a definition, so each permission is for all authorizers of this API and for nothing else.
// https://github.com/hashicorp/terraform-provider-aws/issues/28145
func (g *Gateway) functionPermissions(ctx *pulumi.Context, api *apigateway.RestApi) ([]pulumi.Resource, error) {
	var permissions []pulumi.Resource
	permitted := map[string]bool{}
	for _, a := range g.args.Routes.Authorizers {
		if a.FunctionARN == "" || permitted[a.FunctionARN] {
			continue
		}
		permitted[a.FunctionARN] = true
		function, qualifier := splitQualifier(a.FunctionARN)
		permission, err := lambda.NewPermission(ctx, g.name+"-"+a.Name, &lambda.PermissionArgs{
			Function: pulumi.String(function), Qualifier: optional(qualifier),
			Action: pulumi.String("lambda:InvokeFunction"), Principal: pulumi.String("apigateway.amazonaws.com"),
			SourceArn: pulumi.Sprintf("%s/authorizers/*", api.ExecutionArn),
		}, pulumi.Parent(g))
		if err != nil {
			return nil, err
		}
		permissions = append(permissions, permission)
	}
	return permissions, nil
}

// functionParts are those of a function's ARN without a version or alias.
const functionParts = 7

// splitQualifier takes the version or alias off a function's ARN.
func splitQualifier(arn string) (function, qualifier string) {
	parts := strings.SplitN(arn, ":", functionParts+1)
	if len(parts) > functionParts {
		qualifier = parts[functionParts]
	}
	return strings.Join(parts[:min(len(parts), functionParts)], ":"), qualifier
}
