package gateway

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

type policyDocument struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid       string
	Effect    string
	Principal any `json:",omitempty"`
	Action    string
	Resource  string                         `json:",omitempty"`
	Condition map[string]map[string][]string `json:",omitempty"`
}

const (
	policyVersion = "2012-10-17"
	invoke        = "execute-api:Invoke"
	// everyResource is relative: API Gateway puts the API's own ARN in front.
	everyResource = "execute-api:/*"
)

func (g *Gateway) resourcePolicy(user *client) pulumi.StringOutput {
	own := pulumi.String("").ToStringOutput()
	if user != nil {
		own = user.Arn
	}
	return own.ApplyT(func(userARN string) (string, error) {
		callers := slices.Clone(g.args.ClientARNs)
		if userARN != "" {
			callers = append(callers, userARN)
		}
		return resourcePolicy(callers)
	}).(pulumi.StringOutput)
}

// resourcePolicy admits callers and denies everybody else. The Deny is what restricts: within one
// account an identity policy alone would be enough to call the API.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
//
// Callers are conditions and not principals, because a policy that names a principal is refused
// while that principal does not exist.
func resourcePolicy(callers []string) (string, error) {
	var principals, accounts []string
	for _, arn := range callers {
		if account, isRoot := strings.CutSuffix(arn, ":root"); isRoot {
			accounts = append(accounts, account[strings.LastIndex(account, ":")+1:])
		} else {
			principals = append(principals, arn)
		}
	}
	slices.Sort(principals)
	slices.Sort(accounts)
	principals, accounts = slices.Compact(principals), slices.Compact(accounts)

	document := policyDocument{Version: policyVersion}
	others := map[string]map[string][]string{}
	if len(principals) > 0 {
		document.Statement = append(document.Statement, policyStatement("AllowCallers", "Allow",
			map[string]map[string][]string{"ArnEquals": {"aws:PrincipalArn": principals}}))
		others["ArnNotEquals"] = map[string][]string{"aws:PrincipalArn": principals}
	}
	if len(accounts) > 0 {
		document.Statement = append(document.Statement, policyStatement("AllowAccounts", "Allow",
			map[string]map[string][]string{"StringEquals": {"aws:PrincipalAccount": accounts}}))
		others["StringNotEquals"] = map[string][]string{"aws:PrincipalAccount": accounts}
	}
	document.Statement = append(document.Statement, policyStatement("DenyEverybodyElse", "Deny", others))
	encoded, err := json.Marshal(document)
	if err != nil {
		return "", err
	}
	return string(encoded), route.CheckPolicyLength(string(encoded))
}

func policyStatement(sid, effect string, condition map[string]map[string][]string) statement {
	return statement{Sid: sid, Effect: effect, Principal: "*", Action: invoke, Resource: everyResource, Condition: condition}
}
