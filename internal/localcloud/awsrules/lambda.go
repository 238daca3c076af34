package awsrules

import (
	"regexp"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
)

// LambdaPermission is the type token of statements in the policies of functions. Every function of the account exists.
const LambdaPermission = "aws:lambda/permission:Permission"

// A permission is one statement, which cannot be changed.
// https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
var lambdaPermission = &rule{
	token: LambdaPermission, args: (*lambda.PermissionArgs)(nil), resource: (*lambda.Permission)(nil),
	id: func(c *call) string { return c.text("statementId") }, autoName: "statementId", maxName: 100, required: []string{"function"},
	replace: []string{"action", "function", "principal", "qualifier", "sourceArn", "sourceAccount", "statementId"},
	check:   checkPermission, prepare: functionIsOurs,
}

var functionARN = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:[a-z0-9-]+:([0-9]{12}):function:[A-Za-z0-9_-]{1,64}$`)

func checkPermission(in properties) []schema.Failure {
	if function := in.Text("function"); function != "" && !functionARN.MatchString(function) {
		return wrong("function", "%q is not a function's ARN; a version or an alias is a qualifier", function)
	}
	return nil
}

// functionIsOurs: only a function's owner changes its policy.
func functionIsOurs(c *call) error {
	if parts := functionARN.FindStringSubmatch(c.text("function")); parts[1] != Account {
		return apiError("AccessDeniedException", "User: %s is not authorized to perform: lambda:AddPermission on resource: %s",
			callerARN(c.region), c.text("function"))
	}
	return nil
}
