package permissions

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/podrole"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/identity"
	"github.com/stretchr/testify/require"
)

func stack(types ...string) Stack {
	s := Stack{Partition: "aws", Region: "eu-west-1", Account: "111122223333", Project: "shop", Stack: "prod", Name: "shop"}
	for _, token := range types {
		s.Resources = append(s.Resources, Resource{Type: token})
	}
	return s
}

// everything is a stack with each type that has permissions.
func everything(t *testing.T) Stack {
	s := stack()
	for token := range tableOf(t) {
		r := Resource{Type: token, Inputs: map[string]any{}}
		switch token {
		case "aws:apigateway/domainName:DomainName":
			r.Inputs["domainName"] = "api.example.com"
		case "aws:route53/record:Record":
			r.Inputs["zoneId"] = "Z0OURS"
		}
		s.Resources = append(s.Resources, r)
	}
	return s
}

// parsed are the documents of a stack's policies, each of which IAM takes.
func parsed(t *testing.T, s Stack) []*identity.Policy {
	documents, err := s.Policies()
	require.NoError(t, err)
	var policies []*identity.Policy
	for _, text := range documents {
		require.LessOrEqual(t, Characters(text), maxCharacters)
		policy, err := identity.ParsePolicy(text)
		require.NoError(t, err)
		policies = append(policies, policy)
	}
	return policies
}

func tableOf(t *testing.T) map[string]needed {
	table, err := readTable()
	require.NoError(t, err)
	return table
}

func TestPolicyNamesWhatIsNeeded(t *testing.T) {
	documents, err := stack("aws:ec2/vpc:Vpc", "aws:apigateway/stage:Stage", "aws:apigateway/restApi:RestApi", "aws:ec2/vpc:Vpc").Policies()
	require.NoError(t, err)
	require.Len(t, documents, 1)
	text := documents[0]
	require.NotContains(t, text, "${")
	require.NotContains(t, text, "iam:", "nothing of IAM is in these types")
	require.Contains(t, text, "apigateway:UpdateRestApiPolicy")
	_, err = stack("aws:s3/bucket:Bucket").Policies()
	require.ErrorContains(t, err, "aws:s3/bucket:Bucket")
}

func TestTableIsLeastPrivilege(t *testing.T) {
	for token, n := range tableOf(t) {
		require.NotEmpty(t, n.Grants, token)
		for _, g := range n.Grants {
			require.True(t, slices.IsSorted(g.Actions), token)
			require.True(t, g.When == "" || shared[g.When] != nil, "%s: %s", token, g.When)
			for _, resource := range g.Resources {
				require.True(t, strings.HasPrefix(resource, "arn:${Partition}:"), "%s: %s", token, resource)
				require.NotEqual(t, "*", resource, token)
			}
			for _, action := range slices.Concat(g.Actions, n.Reads) {
				require.NotContains(t, action, "*", token)
			}
		}
	}
}

// request is what AWS would ask the policies about: a request's action, resources and condition keys.
type request struct {
	action    string
	resources []string
	context   map[string]string
}

func ask(action, resource string, context ...string) request {
	r := request{action: action, resources: strings.Fields(resource), context: map[string]string{"aws:requestedregion": "eu-west-1"}}
	for i := 0; i < len(context); i += 2 {
		r.context[strings.ToLower(context[i])] = context[i+1]
	}
	return r
}

// allowed asks about each resource, as AWS does.
func (r request) allowed(policies ...*identity.Policy) bool {
	context := map[string][]string{}
	for key, value := range r.context {
		context[key] = []string{value}
	}
	return !slices.ContainsFunc(r.resources, func(resource string) bool {
		question := identity.Request{Principal: identity.Principal{ARN: "arn:aws:iam::111122223333:role/deployer", Account: "111122223333"},
			Action: r.action, Resource: resource, Context: context}
		return !slices.ContainsFunc(policies, func(p *identity.Policy) bool { return p.Decide(question) == identity.Allow })
	})
}

const (
	boundary  = "arn:aws:iam::111122223333:policy/apigw-ingress-boundary"
	ownRole   = "arn:aws:iam::111122223333:role/apigateway-ingress/shop/prod/shop-node-1234567"
	ownUser   = "arn:aws:iam::111122223333:user/apigateway-ingress/shop/prod/shop-client-1234567"
	admin     = "arn:aws:iam::aws:policy/AdministratorAccess"
	otherRole = "arn:aws:iam::111122223333:role/admin arn:aws:iam::111122223333:role/deployer " +
		"arn:aws:iam::111122223333:role/apigateway-ingress/shop/dev/shop-node-1"
	bounded = "iam:PermissionsBoundary"
)

// escalations are the known ways from some permissions in IAM to all of them, and what spares an attacker that way:
// to reach into what is another's. Each resource of an entry must be refused by itself.
var escalations = []request{
	ask("iam:CreatePolicyVersion", boundary+" arn:aws:iam::111122223333:policy/deployer"),
	ask("iam:SetDefaultPolicyVersion", boundary+" arn:aws:iam::111122223333:policy/deployer"),
	ask("iam:CreatePolicy", "arn:aws:iam::111122223333:policy/mine"),
	ask("iam:DeletePolicy", boundary),
	ask("iam:DeletePolicyVersion", boundary),
	ask("iam:CreateAccessKey", "arn:aws:iam::111122223333:user/admin arn:aws:iam::111122223333:user/apigateway-ingress/shop/dev/x"),
	ask("iam:UpdateAccessKey", "arn:aws:iam::111122223333:user/admin"),
	ask("iam:CreateLoginProfile", ownUser+" arn:aws:iam::111122223333:user/admin"),
	ask("iam:UpdateLoginProfile", ownUser+" arn:aws:iam::111122223333:user/admin"),
	ask("iam:CreateServiceSpecificCredential", ownUser),
	ask("iam:AddUserToGroup", "arn:aws:iam::111122223333:group/admins"),
	ask("iam:PutGroupPolicy", "arn:aws:iam::111122223333:group/admins"),
	ask("iam:AttachGroupPolicy", "arn:aws:iam::111122223333:group/admins", "iam:PolicyARN", admin),
	ask("iam:AttachUserPolicy", ownUser+" arn:aws:iam::111122223333:user/admin", "iam:PolicyARN", admin, bounded, boundary),
	ask("iam:AttachRolePolicy", ownRole, "iam:PolicyARN", admin, bounded, boundary),
	ask("iam:AttachRolePolicy", ownRole, "iam:PolicyARN", "arn:aws:iam::111122223333:policy/mine", bounded, boundary),
	ask("iam:AttachRolePolicy", otherRole, "iam:PolicyARN", "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy", bounded, boundary),
	ask("iam:AttachRolePolicy", ownRole, "iam:PolicyARN", "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"),
	ask("iam:PutUserPolicy", "arn:aws:iam::111122223333:user/admin", bounded, boundary),
	ask("iam:PutUserPolicy", ownUser),
	ask("iam:PutUserPolicy", ownUser, bounded, admin),
	ask("iam:PutRolePolicy", otherRole, bounded, boundary),
	ask("iam:PutRolePolicy", ownRole),
	ask("iam:PutRolePolicy", ownRole, bounded, admin),
	ask("iam:CreateRole", ownRole),
	ask("iam:CreateRole", ownRole, bounded, admin),
	ask("iam:CreateRole", otherRole, bounded, boundary),
	ask("iam:CreateUser", ownUser),
	ask("iam:CreateUser", "arn:aws:iam::111122223333:user/mine", bounded, boundary),
	ask("iam:DeleteRolePermissionsBoundary", ownRole, bounded, boundary),
	ask("iam:DeleteUserPermissionsBoundary", ownUser, bounded, boundary),
	ask("iam:PutRolePermissionsBoundary", ownRole, bounded, admin),
	ask("iam:PutRolePermissionsBoundary", otherRole, bounded, boundary),
	ask("iam:PutUserPermissionsBoundary", ownUser, bounded, admin),
	ask("iam:UpdateAssumeRolePolicy", otherRole),
	ask("iam:DeleteRolePolicy", otherRole, bounded, boundary),
	ask("iam:DetachRolePolicy", otherRole, "iam:PolicyARN", "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy", bounded, boundary),
	ask("iam:TagRole", otherRole),
	ask("iam:UpdateUser", ownUser),
	ask("iam:CreateInstanceProfile", "arn:aws:iam::111122223333:instance-profile/mine"),
	ask("iam:AddRoleToInstanceProfile", "arn:aws:iam::111122223333:instance-profile/mine"),
	ask("iam:UpdateSAMLProvider", "arn:aws:iam::111122223333:saml-provider/sso"),
	ask("iam:CreateOpenIDConnectProvider", "arn:aws:iam::111122223333:oidc-provider/evil.example.com "+
		"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"),
	ask("iam:UpdateOpenIDConnectProviderThumbprint", "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"),
	ask("iam:AddClientIDToOpenIDConnectProvider", "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"),
	ask("iam:CreateServiceLinkedRole", "arn:aws:iam::111122223333:role/aws-service-role/cloudtrail.amazonaws.com/x", "iam:AWSServiceName",
		"cloudtrail.amazonaws.com"),
	ask("iam:PassRole", otherRole, "iam:PassedToService", "eks.amazonaws.com"),
	ask("iam:PassRole", ownRole+" "+otherRole, "iam:PassedToService", "lambda.amazonaws.com"),
	ask("iam:PassRole", ownRole+" "+otherRole, "iam:PassedToService", "ec2.amazonaws.com"),
	ask("iam:PassRole", ownRole+" "+otherRole, "iam:PassedToService", "cloudformation.amazonaws.com"),
	ask("iam:PassRole", ownRole+" "+otherRole, "iam:PassedToService", "glue.amazonaws.com"),
	ask("iam:PassRole", ownRole+" "+otherRole),
	ask("sts:AssumeRole", ownRole+" "+otherRole),
	ask("lambda:CreateFunction", "arn:aws:lambda:eu-west-1:111122223333:function:x"),
	ask("lambda:UpdateFunctionCode", "arn:aws:lambda:eu-west-1:111122223333:function:x"),
	ask("lambda:AddPermission", "arn:aws:lambda:eu-west-1:111122223333:function:x"),
	ask("lambda:AddPermission", "arn:aws:lambda:eu-west-1:111122223333:function:x", "lambda:Principal", "111122223333"),
	ask("ec2:RunInstances", "arn:aws:ec2:eu-west-1:111122223333:instance/*"),
	ask("ec2:AssociateIamInstanceProfile", "arn:aws:ec2:eu-west-1:111122223333:instance/i-1"),
	ask("ec2:ModifyInstanceAttribute", "arn:aws:ec2:eu-west-1:111122223333:instance/i-1"),
	ask("cloudformation:CreateStack", "arn:aws:cloudformation:eu-west-1:111122223333:stack/x/1"),
	ask("cloudformation:UpdateStack", "arn:aws:cloudformation:eu-west-1:111122223333:stack/x/1"),
	ask("ssm:SendCommand", "arn:aws:ec2:eu-west-1:111122223333:instance/i-1"),
	ask("kms:PutKeyPolicy", "arn:aws:kms:eu-west-1:111122223333:key/1"),
	ask("organizations:LeaveOrganization", "*"),
	// Into what is another's.
	ask("eks:CreateAccessEntry", "arn:aws:eks:eu-west-1:111122223333:cluster/payments"),
	ask("eks:AssociateAccessPolicy", "arn:aws:eks:eu-west-1:111122223333:access-entry/payments/role/111122223333/x/1"),
	ask("eks:UpdateClusterConfig", "arn:aws:eks:eu-west-1:111122223333:cluster/payments"),
	ask("logs:DeleteLogGroup", "arn:aws:logs:eu-west-1:111122223333:log-group:payments-1234567 "+
		"arn:aws:logs:eu-west-1:111122223333:log-group:aws-cloudtrail-logs"),
	ask("apigateway:PATCH", "arn:aws:apigateway:eu-west-1::/restapis/other arn:aws:apigateway:eu-west-1::/restapis/other/stages/prod "+
		"arn:aws:apigateway:eu-west-1::/apikeys/other"),
	ask("apigateway:PATCH", "arn:aws:apigateway:eu-west-1::/restapis/other", "aws:ResourceTag/project", "shop", "aws:ResourceTag/stack",
		"dev"),
	ask("apigateway:PATCH", "arn:aws:apigateway:eu-west-1::/restapis/other", "aws:RequestTag/project", "shop", "aws:RequestTag/stack", "prod"),
	ask("apigateway:GET", "arn:aws:apigateway:eu-west-1::/apikeys/other"),
	ask("apigateway:UpdateRestApiPolicy", "arn:aws:apigateway:eu-west-1::/restapis/other"),
	ask("apigateway:PATCH", "arn:aws:apigateway:eu-west-1::/domainnames/other.example.com"),
	ask("route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z0OTHER"),
	ask("ec2:DeleteVpc", "arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-other"),
	ask("ec2:CreateTags", "arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-other arn:aws:ec2:eu-west-1:111122223333:security-group/sg-other",
		"aws:RequestTag/project", "shop", "aws:RequestTag/stack", "prod"),
	ask("ec2:AuthorizeSecurityGroupIngress", "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-other"),
	ask("ec2:CreateVpc", "arn:aws:ec2:eu-west-1:111122223333:vpc/*"),
	ask("elasticloadbalancing:DeleteLoadBalancer", "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/other/1"),
	ask("elasticloadbalancing:AddTags", "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/other/1"),
	ask("autoscaling:DetachLoadBalancerTargetGroups", "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:1:autoScalingGroupName/eks-x", "aws:ResourceTag/eks:cluster-name", "payments"),
	ask("wafv2:DeleteWebACL", "arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/other/1"),
	ask("cloudwatch:DeleteAlarms", "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:payments"),
	ask("acm:DeleteCertificate", "arn:aws:acm:eu-west-1:111122223333:certificate/1"),
}

func TestDeployerCannotMakeItselfAdministrator(t *testing.T) {
	policy := parsed(t, everything(t))
	for _, r := range escalations {
		for _, resource := range r.resources {
			one := request{r.action, []string{resource}, r.context}
			require.False(t, one.allowed(policy...), "%s on %s %v", r.action, resource, r.context)
		}
	}
}

func TestReaderChangesNothing(t *testing.T) {
	reader := everything(t)
	reader.ReadOnly = true
	policies := parsed(t, reader)
	looks := 0
	for _, requests := range operations {
		for _, r := range requests {
			if r.allowed(policies...) {
				looks++
				require.False(t, changes(r.action), r.action)
			}
		}
	}
	require.Positive(t, looks)
	require.True(t, owned("apigateway:GET", arnAPI+"restapis/abc").allowed(policies...))
	require.False(t, owned("apigateway:PATCH", arnAPI+"restapis/abc").allowed(policies...))
}

// A role of the stack can get any permissions, and be assumed by anybody: what the boundary allows is what counts.
func TestBoundaryLeavesNoWayIntoIAM(t *testing.T) {
	text := Boundary("aws", "eu-west-1", "111122223333")
	require.NotContains(t, text, "${")
	policy, err := identity.ParsePolicy(text)
	require.NoError(t, err)
	for _, r := range escalations {
		service, _, _ := strings.Cut(r.action, ":")
		if slices.Contains([]string{"iam", "lambda", "cloudformation", "ssm", "kms", "organizations", "eks"}, service) {
			for _, resource := range r.resources {
				require.False(t, request{r.action, []string{resource}, r.context}.allowed(policy), "%s on %s", r.action, resource)
			}
		}
	}
	require.False(t, ask("sts:AssumeRole", "arn:aws:iam::111122223333:role/admin").allowed(policy))
	require.LessOrEqual(t, Characters(text), maxCharacters)
}

// The boundary takes nothing away from what the pods' role is given.
func TestBoundaryHoldsWhatRolesNeed(t *testing.T) {
	policy, err := identity.ParsePolicy(Boundary("aws", "eu-west-1", "111122223333"))
	require.NoError(t, err)
	var given struct {
		Statement []struct {
			Action   []string
			Resource any
		}
	}
	require.NoError(t, json.Unmarshal([]byte(podrole.Policy("aws", "eu-west-1", "111122223333")), &given))
	for _, s := range given.Statement {
		for _, action := range s.Action {
			resources, isList := s.Resource.([]any)
			if !isList {
				resources = []any{s.Resource}
			}
			for _, resource := range resources {
				service, _, _ := strings.Cut(action, ":")
				if arn := fmt.Sprint(resource); arn == "*" || strings.Split(arn, ":")[2] == service {
					require.True(t, ask(action, arn).allowed(policy), "%s on %s", action, arn)
				}
			}
		}
	}
	for _, action := range []string{"execute-api:Invoke"} {
		require.True(t, ask(action, "arn:aws:execute-api:eu-west-1:111122223333:abc/prod/GET/x").allowed(policy))
	}
}
