package policies_test

import (
	"slices"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/policies"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	api      = "aws:apigateway/restApi:RestApi"
	template = "aws:ec2/launchTemplate:LaunchTemplate"
	rule     = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
	group    = "aws:ec2/securityGroup:SecurityGroup"
	role     = "aws:iam/role:Role"
	// unknown is what the engine puts in place of a value that is not known yet.
	unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
)

type properties = map[string]any

func document(statement string) string {
	return `{"Version": "2012-10-17", "Statement": [` + statement + `]}`
}

var (
	tokens = properties{"httpTokens": "required", "httpPutResponseHopLimit": 1.0}
	disks  = []any{properties{"deviceName": "/dev/xvda", "ebs": properties{"encrypted": "true"}}}
)

// Each case breaks exactly the named policies.
func TestPolicies(t *testing.T) {
	pack, err := policies.Load(t.Context())
	require.NoError(t, err)
	broken := map[string]bool{}
	for _, c := range slices.Concat(judgedCases(), []judged{
		{api, properties{"policy": document(``), "body": `{"paths": {}}`}, nil},
		{api, properties{"policy": unknown, "body": unknown}, nil},
		{api, properties{"body": unknown}, []string{"rest-api-policy"}},
		{api, properties{"policy": ""}, []string{"rest-api-policy"}},
		{api, properties{"policy": document(``), "body": `{"x-amazon-apigateway-policy": {"Statement": []}}`}, []string{"rest-api-policy"}},
		{"aws:apigateway/restApiPolicy:RestApiPolicy", properties{"policy": document(``)}, []string{"rest-api-policy"}},

		{"aws:apigateway/stage:Stage", properties{"accessLogSettings": properties{"destinationArn": unknown}}, nil},
		{"aws:apigateway/stage:Stage", properties{}, []string{"access-logs"}},
		{"aws:apigateway/domainName:DomainName", properties{"securityPolicy": "TLS_1_2"}, nil},
		{"aws:apigateway/domainName:DomainName", properties{"securityPolicy": "TLS_1_0"}, []string{"modern-tls"}},

		{"aws:lb/loadBalancer:LoadBalancer", properties{"internal": true}, nil},
		{"aws:lb/loadBalancer:LoadBalancer", properties{"internal": false}, []string{"private-balancer"}},
		{"aws:lb/loadBalancer:LoadBalancer", properties{}, []string{"private-balancer"}},
		{"kubernetes:core/v1:Service", properties{"spec": properties{"type": "NodePort"}}, nil},
		{"kubernetes:core/v1:Service", properties{"spec": properties{"type": "LoadBalancer"}}, []string{"private-balancer"}},

		{rule, properties{"cidrIpv4": "10.0.0.0/16"}, nil},
		{rule, properties{"cidrIpv4": "0.0.0.0/0"}, []string{"no-world-access"}},
		{rule, properties{"cidrIpv6": "::/0"}, []string{"no-world-access"}},
		{group, properties{"egress": []any{properties{"cidrBlocks": []any{"0.0.0.0/0"}}}}, nil},
		{group, properties{"ingress": []any{properties{"cidrBlocks": []any{"10.0.0.0/8", "0.0.0.0/0"}}}}, []string{"no-world-access"}},
		{"aws:ec2/securityGroupRule:SecurityGroupRule", properties{"type": "egress", "cidrBlocks": []any{"0.0.0.0/0"}}, nil},
		{"aws:ec2/securityGroupRule:SecurityGroupRule", properties{"type": "ingress", "ipv6CidrBlocks": []any{"::/0"}},
			[]string{"no-world-access"}},

		{template, properties{"metadataOptions": tokens, "blockDeviceMappings": disks}, nil},
		{template, properties{"blockDeviceMappings": disks}, []string{"imds-v2"}},
		{template, properties{"metadataOptions": properties{"httpTokens": "optional", "httpPutResponseHopLimit": 1.0},
			"blockDeviceMappings": disks}, []string{"imds-v2"}},
		{template, properties{"metadataOptions": tokens}, []string{"encrypted-disks"}},
		{template, properties{"metadataOptions": tokens, "blockDeviceMappings": []any{properties{"ebs": properties{"encrypted": "false"}}}},
			[]string{"encrypted-disks"}},
		{template, properties{"metadataOptions": tokens, "blockDeviceMappings": []any{properties{"deviceName": "/dev/xvda",
			"ebs": properties{}}}}, []string{"encrypted-disks"}},
		{"aws:eks/nodeGroup:NodeGroup", properties{"launchTemplate": properties{"id": unknown}}, nil},
		{"aws:eks/nodeGroup:NodeGroup", properties{}, []string{"launch-template"}},

		{"aws:iam/rolePolicy:RolePolicy", properties{"policy": document(`{"Effect": "Allow", "Action": ["s3:GetObject", "s3:Get*"]}`)}, nil},
		{"aws:iam/rolePolicy:RolePolicy", properties{"policy": document(`{"Effect": "Deny", "Action": "*"}`)}, nil},
		{"aws:iam/rolePolicy:RolePolicy", properties{"policy": unknown}, nil},
		{"aws:iam/rolePolicy:RolePolicy", properties{"policy": document(`{"Effect": "Allow", "Action": ["s3:GetObject", "s3:*"]}`)},
			[]string{"no-wildcard-actions"}},
		{"aws:iam/userPolicy:UserPolicy", properties{"policy": `{"Statement": {"Effect": "Allow", "Action": "*"}}`},
			[]string{"no-wildcard-actions"}},
		{"aws:iam/policy:Policy", properties{"policy": properties{"Statement": []any{properties{"Effect": "Allow", "NotAction": "iam:*"}}}},
			[]string{"no-wildcard-actions"}},
		{"aws:iam/rolePolicyAttachment:RolePolicyAttachment", properties{"policyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"}, nil},
		{"aws:iam/rolePolicyAttachment:RolePolicyAttachment", properties{"policyArn": "arn:aws-cn:iam::aws:policy/AdministratorAccess"},
			[]string{"no-broad-managed-policies"}},
		{"aws:iam/userPolicyAttachment:UserPolicyAttachment", properties{"policyArn": "arn:aws:iam::aws:policy/AmazonS3FullAccess"},
			[]string{"no-broad-managed-policies"}},
		{role, properties{"managedPolicyArns": []any{"arn:aws:iam::aws:policy/AmazonEC2FullAccess"}}, []string{"no-broad-managed-policies"}},
		{role, properties{"assumeRolePolicy": document(`{"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}`)}, nil},
		{role, properties{"assumeRolePolicy": document(`{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": "sts:AssumeRole"}`)},
			[]string{"no-open-roles"}},
		{role, properties{"assumeRolePolicy": document(`{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}`)},
			[]string{"no-open-roles"}},
		{"aws:s3/bucket:Bucket", nil, nil},
	}) {
		violations, err := pack.Check(t.Context(), policies.Resource{Type: c.token, Name: "x", Inputs: c.inputs})
		require.NoError(t, err)
		var got []string
		for _, v := range violations {
			broken[v.Policy] = true
			if !slices.Contains(got, v.Policy) {
				got = append(got, v.Policy)
			}
			require.NotEmpty(t, v.Message)
		}
		assert.Equal(t, c.want, got, "%s %v", c.token, c.inputs)
	}
	for name := range pack.Descriptions {
		require.True(t, broken[name], "no case breaks %s", name)
	}
	require.Len(t, broken, len(pack.Descriptions), "every policy is described")
}
