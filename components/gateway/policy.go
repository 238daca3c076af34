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
	Sid    string
	Effect string
	// Principal is "*" or principals by kind; an identity's policy has none.
	Principal any `json:",omitempty"`
	Action    string
	// Resource is one, or a list; NotResource is everything but a list.
	Resource    any       `json:",omitempty"`
	NotResource []string  `json:",omitempty"`
	Condition   condition `json:",omitempty"`
}

type condition map[string]map[string][]string

const (
	policyVersion = "2012-10-17"
	invoke        = "execute-api:Invoke"
	// everyResource is relative: API Gateway puts the API's own ARN in front.
	everyResource = "execute-api:/*"
)

func (g *Gateway) resourcePolicy(user *client, endpoints pulumi.StringArrayOutput) pulumi.StringOutput {
	own := pulumi.String("").ToStringOutput()
	if user != nil {
		own = user.Arn
	}
	clients := pulumi.StringArray{}.ToStringArrayOutput()
	if given := g.args.Access.ClientARNs; given != nil {
		clients = given.ToStringArrayOutput()
	}
	return pulumi.All(own, endpoints, clients).ApplyT(func(values []any) (string, error) {
		callers := slices.Clone(values[2].([]string))
		for _, arn := range callers {
			if err := route.CheckClientARN(arn); err != nil {
				return "", err
			}
		}
		if userARN := values[0].(string); userARN != "" {
			callers = append(callers, userARN)
		}
		api := addressee{partition: g.args.Location.Partition, region: g.args.Location.Region, account: g.args.Location.Account,
			stage: g.args.Stage.Name}
		return g.args.policyText(api, g.args.Routes, callers, values[1].([]string))
	}).(pulumi.StringOutput)
}

// policyText is the policy for callers of the whole API, and for those of routes.
func (s Settings) policyText(api addressee, routes *route.Table, everywhere, vpcEndpoints []string) (string, error) {
	ofRoutes := routeCallers(routes, everywhere)
	document := s.policy(slices.Concat(everywhere, ofRoutes), vpcEndpoints, routes != nil && routes.Anonymous())
	if err := document.confine(api, routes, ofRoutes, everywhere); err != nil {
		return "", err
	}
	return document.text()
}

// policy admits callers. In the mode Restrict it denies everybody else, and that is what restricts: within one
// account an identity policy alone would be enough to call the API.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
//
// Callers are conditions and not principals, because a policy that names a principal is refused
// while that principal does not exist, which for a new user takes some seconds. A whole account is a principal: AWS then
// leaves it to the account, whose identities need a policy of their own that allows the call.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-accounts
//
// Where some methods take requests without an IAM identity, anonymous says so: the policy is asked about those, too.
// Methods with IAM authentication refuse a request without an identity before they ask.
func (s Settings) policy(callers, vpcEndpoints []string, anonymous bool) policyDocument {
	principals, accounts := splitCallers(callers)
	document := policyDocument{Version: policyVersion}
	others := condition{}
	if len(principals) > 0 {
		document.add("AllowCallers", "Allow", condition{"ArnEquals": {"aws:PrincipalArn": principals}})
		others["ArnNotEquals"] = map[string][]string{"aws:PrincipalArn": principals}
	}
	if len(accounts) > 0 {
		document.Statement = append(document.Statement, statement{
			Sid: "AllowAccounts", Effect: "Allow", Principal: map[string][]string{"AWS": accounts}, Action: invoke, Resource: everyResource,
		})
		others["StringNotEquals"] = map[string][]string{"aws:PrincipalAccount": accountIDs(accounts)}
	}
	if anonymous {
		document.add("AllowRequestsWithoutIdentity", "Allow", condition{"Null": {"aws:PrincipalArn": {"true"}}})
		others["Null"] = map[string][]string{"aws:PrincipalArn": {"false"}}
	}
	if s.Access.Mode == Restrict || s.Access.Mode == "" {
		document.add("DenyEverybodyElse", "Deny", others)
	}
	if len(vpcEndpoints) > 0 {
		document.add("DenyOtherWays", "Deny", condition{"StringNotEquals": {"aws:SourceVpce": slices.Sorted(slices.Values(vpcEndpoints))}})
	}
	return document
}

// splitCallers tells users and roles from whole accounts, which are named by their root.
func splitCallers(callers []string) (principals, accounts []string) {
	for _, arn := range callers {
		if strings.HasSuffix(arn, ":root") {
			accounts = append(accounts, arn)
		} else {
			principals = append(principals, arn)
		}
	}
	slices.Sort(principals)
	slices.Sort(accounts)
	return slices.Compact(principals), slices.Compact(accounts)
}

func accountIDs(roots []string) []string {
	ids := make([]string, len(roots))
	for i, arn := range roots {
		ids[i] = strings.Split(arn, ":")[4]
	}
	return ids
}

func (d *policyDocument) add(sid, effect string, c condition) {
	d.Statement = append(d.Statement, statement{Sid: sid, Effect: effect, Principal: "*", Action: invoke, Resource: everyResource,
		Condition: c})
}

func (d policyDocument) text() (string, error) {
	encoded, err := json.Marshal(d)
	if err != nil {
		return "", err
	}
	return string(encoded), route.CheckPolicyLength(string(encoded))
}
