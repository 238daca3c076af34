package permissions

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	arnEC2  = "arn:aws:ec2:eu-west-1:111122223333:"
	arnELB  = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:"
	arnEKS  = "arn:aws:eks:eu-west-1:111122223333:"
	arnAPI  = "arn:aws:apigateway:eu-west-1::/"
	arnKey  = "arn:aws:kms:eu-west-1:111122223333:key/1"
	arnLogs = "arn:aws:logs:eu-west-1:111122223333:log-group:"
	arnTags = arnAPI + "tags/arn%3Aaws%3Aapigateway%3Aeu-west-1%3A%3A%2Frestapis%2Fabc"
	theACL  = "arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/shop-1234567/1"
)

// created asks with the tags of the program in the request, owned with the same on the resource.
func created(action, resource string, context ...string) request {
	return ask(action, resource, append(context, "aws:RequestTag/project", "shop", "aws:RequestTag/stack", "prod",
		"aws:RequestTag/managed-by", "apigateway-ingress")...)
}

func owned(action, resource string, context ...string) request {
	return ask(action, resource, append(context, "aws:ResourceTag/project", "shop", "aws:ResourceTag/stack", "prod")...)
}

// creating a tagged resource of EC2 asks for CreateTags as well, and says on behalf of which action.
func tagged(action, resource string) []request {
	return []request{created("ec2:"+action, resource), created("ec2:CreateTags", resource, "ec2:CreateAction", action)}
}

func many(lists ...[]request) (all []request) {
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

func verbsOn(resource string) (all []request) {
	for _, verb := range []string{"GET", "PATCH", "DELETE"} {
		all = append(all, owned("apigateway:"+verb, resource))
	}
	return all
}

// operations are what bringing up, changing and taking down a resource of each type asks AWS for.
var operations = map[string][]request{
	"aws:acm/certificate:Certificate": {
		created("acm:RequestCertificate", "arn:aws:acm:eu-west-1:111122223333:certificate/*"),
		owned("acm:DescribeCertificate", "arn:aws:acm:us-east-1:111122223333:certificate/1"),
		owned("acm:DeleteCertificate", "arn:aws:acm:eu-west-1:111122223333:certificate/1"),
	},
	"aws:acm/certificateValidation:CertificateValidation": {owned("acm:DescribeCertificate",
		"arn:aws:acm:eu-west-1:111122223333:certificate/1")},
	"aws:apigateway/account:Account": {
		ask("apigateway:PATCH", arnAPI+"account"), ask("iam:PassRole", ownRole, "iam:PassedToService", "apigateway.amazonaws.com"),
	},
	"aws:apigateway/apiKey:ApiKey": append(verbsOn(arnAPI+"apikeys/k"), created("apigateway:POST", arnAPI+"apikeys")),
	"aws:apigateway/basePathMapping:BasePathMapping": {ask("apigateway:POST", arnAPI+"domainnames/api.example.com/basepathmappings"),
		ask("apigateway:DELETE", arnAPI+"domainnames/api.example.com/basepathmappings/v1")},
	"aws:apigateway/deployment:Deployment": append(verbsOn(arnAPI+"restapis/abc/deployments/d"),
		owned("apigateway:POST", arnAPI+"restapis/abc/deployments")),
	"aws:apigateway/domainName:DomainName": {
		created("apigateway:POST", arnAPI+"domainnames"), ask("apigateway:PATCH", arnAPI+"domainnames/api.example.com"),
		ask("apigateway:DELETE", arnAPI+"domainnames/api.example.com"),
	},
	"aws:apigateway/methodSettings:MethodSettings": {owned("apigateway:PATCH", arnAPI+"restapis/abc/stages/prod")},
	"aws:apigateway/restApi:RestApi": many(verbsOn(arnAPI+"restapis/abc"), []request{
		created("apigateway:POST", arnAPI+"restapis"), created("apigateway:UpdateRestApiPolicy", arnAPI+"restapis"),
		owned("apigateway:PUT", arnAPI+"restapis/abc"),
		owned("apigateway:UpdateRestApiPolicy", arnAPI+"restapis/abc"), created("apigateway:PUT", arnTags), ask("apigateway:DELETE", arnTags),
	}),
	"aws:apigateway/stage:Stage": append(verbsOn(arnAPI+"restapis/abc/stages/prod"),
		owned("apigateway:POST", arnAPI+"restapis/abc/stages"), created("apigateway:PUT", arnTags)),
	"aws:apigateway/usagePlan:UsagePlan": append(verbsOn(arnAPI+"usageplans/p"), created("apigateway:POST", arnAPI+"usageplans")),
	"aws:apigateway/usagePlanKey:UsagePlanKey": append(verbsOn(arnAPI+"usageplans/p/keys/k"),
		owned("apigateway:POST", arnAPI+"usageplans/p/keys")),
	"aws:apigateway/vpcLink:VpcLink": append(verbsOn(arnAPI+"vpclinks/l"), created("apigateway:POST", arnAPI+"vpclinks"),
		ask("ec2:CreateVpcEndpointServiceConfiguration", arnEC2+"vpc-endpoint-service/vpce-svc-1"),
		ask("iam:CreateServiceLinkedRole", "arn:aws:iam::111122223333:role/aws-service-role/ops.apigateway.amazonaws.com/x",
			"iam:AWSServiceName", "ops.apigateway.amazonaws.com")),
	"aws:autoscaling/attachment:Attachment": {
		ask("autoscaling:AttachLoadBalancerTargetGroups", "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:1:autoScalingGroupName/eks-shop-1", "aws:ResourceTag/eks:cluster-name", "shop-eksCluster-1234567"),
	},
	"aws:cloudwatch/dashboard:Dashboard": {ask("cloudwatch:PutDashboard", "arn:aws:cloudwatch::111122223333:dashboard/shop-1234567"),
		ask("cloudwatch:DeleteDashboards", "arn:aws:cloudwatch::111122223333:dashboard/shop-1234567")},
	"aws:cloudwatch/logGroup:LogGroup": {
		created("logs:CreateLogGroup", arnLogs+"shop-1234567"), ask("logs:PutRetentionPolicy", arnLogs+"shop-1234567"),
		ask("logs:DeleteLogGroup", arnLogs+"shop-flow-1234567"),
		ask("logs:DescribeLogGroups", "*"), ask("logs:CreateLogDelivery", "*"),
	},
	"aws:cloudwatch/logMetricFilter:LogMetricFilter": {ask("logs:PutMetricFilter", arnLogs+"shop-1234567")},
	"aws:cloudwatch/metricAlarm:MetricAlarm": {created("cloudwatch:PutMetricAlarm",
		"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:shop-errors-1234567")},
	"aws:ec2/eip:Eip": many(tagged("AllocateAddress", arnEC2+"elastic-ip/*"),
		[]request{owned("ec2:ReleaseAddress", arnEC2+"elastic-ip/e"), ask("ec2:DescribeAddresses", "*")}),
	"aws:ec2/flowLog:FlowLog": many(tagged("CreateFlowLogs", arnEC2+"vpc-flow-log/*"), []request{
		ask("ec2:CreateFlowLogs", arnEC2+"vpc/v"), owned("ec2:DeleteFlowLogs", arnEC2+"vpc-flow-log/f"),
		ask("iam:PassRole", ownRole, "iam:PassedToService", "vpc-flow-logs.amazonaws.com"),
	}),
	"aws:ec2/internetGateway:InternetGateway": many(tagged("CreateInternetGateway", arnEC2+"internet-gateway/*"),
		[]request{owned("ec2:AttachInternetGateway", arnEC2+"internet-gateway/i "+arnEC2+"vpc/v"),
			owned("ec2:DeleteInternetGateway", arnEC2+"internet-gateway/i")}),
	"aws:ec2/launchTemplate:LaunchTemplate": many(tagged("CreateLaunchTemplate", arnEC2+"launch-template/*"),
		[]request{owned("ec2:CreateLaunchTemplateVersion", arnEC2+"launch-template/t"),
			owned("ec2:DeleteLaunchTemplate", arnEC2+"launch-template/t")}),
	"aws:ec2/natGateway:NatGateway": many(tagged("CreateNatGateway", arnEC2+"natgateway/*"),
		[]request{ask("ec2:CreateNatGateway", arnEC2+"subnet/s "+arnEC2+"elastic-ip/e"), owned("ec2:DeleteNatGateway", arnEC2+"natgateway/n")}),
	"aws:ec2/route:Route": {owned("ec2:CreateRoute", arnEC2+"route-table/r"),
		owned("ec2:DeleteRoute", arnEC2+"route-table/r")},
	"aws:ec2/routeTable:RouteTable": many(tagged("CreateRouteTable", arnEC2+"route-table/*"),
		[]request{ask("ec2:CreateRouteTable", arnEC2+"vpc/v"), owned("ec2:DeleteRouteTable", arnEC2+"route-table/r")}),
	"aws:ec2/routeTableAssociation:RouteTableAssociation": {owned("ec2:AssociateRouteTable", arnEC2+"route-table/r "+arnEC2+"subnet/s")},
	"aws:ec2/securityGroup:SecurityGroup": many(tagged("CreateSecurityGroup", arnEC2+"security-group/*"),
		[]request{ask("ec2:CreateSecurityGroup", arnEC2+"vpc/v"), owned("ec2:DeleteSecurityGroup", arnEC2+"security-group/g")}),
	"aws:ec2/subnet:Subnet": many(tagged("CreateSubnet", arnEC2+"subnet/*"),
		[]request{ask("ec2:CreateSubnet", arnEC2+"vpc/v"), owned("ec2:ModifySubnetAttribute", arnEC2+"subnet/s"),
			owned("ec2:DeleteSubnet", arnEC2+"subnet/s")}),
	"aws:ec2/vpc:Vpc": many(tagged("CreateVpc", arnEC2+"vpc/*"),
		[]request{owned("ec2:ModifyVpcAttribute", arnEC2+"vpc/v"), owned("ec2:DeleteVpc", arnEC2+"vpc/v"), ask("ec2:DescribeVpcs", "*")}),
	"aws:ec2/vpcEndpoint:VpcEndpoint": many(tagged("CreateVpcEndpoint", arnEC2+"vpc-endpoint/*"), []request{
		ask("ec2:CreateVpcEndpoint", arnEC2+"vpc/v "+arnEC2+"subnet/s "+arnEC2+"security-group/g "+arnEC2+"route-table/r"),
		owned("ec2:ModifyVpcEndpoint", arnEC2+"vpc-endpoint/e"), owned("ec2:DeleteVpcEndpoints", arnEC2+"vpc-endpoint/e"),
	}),
	"aws:eks/accessEntry:AccessEntry": {ask("eks:CreateAccessEntry", arnEKS+"cluster/shop-eksCluster-1"),
		ask("eks:DeleteAccessEntry", arnEKS+"access-entry/shop-eksCluster-1/role/111122223333/x/1")},
	"aws:eks/accessPolicyAssociation:AccessPolicyAssociation": {ask("eks:AssociateAccessPolicy",
		arnEKS+"access-entry/shop-eksCluster-1/role/111122223333/x/1")},
	"aws:eks/addon:Addon": {ask("eks:CreateAddon", arnEKS+"cluster/shop-eksCluster-1"),
		ask("eks:DeleteAddon", arnEKS+"addon/shop-eksCluster-1/vpc-cni/1"), ask("eks:DescribeAddonVersions", "*")},
	"aws:eks/cluster:Cluster": {
		created("eks:CreateCluster", arnEKS+"cluster/shop-eksCluster-1"), ask("eks:UpdateClusterVersion", arnEKS+"cluster/shop-eksCluster-1"),
		ask("eks:DeleteCluster", arnEKS+"cluster/shop-eksCluster-1"),
		ask("iam:PassRole", ownRole, "iam:PassedToService", "eks.amazonaws.com"),
		ask("iam:CreateServiceLinkedRole", "arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/x", "iam:AWSServiceName",
			"eks.amazonaws.com"),
	},
	"aws:eks/nodeGroup:NodeGroup": {
		created("eks:CreateNodegroup", arnEKS+"cluster/shop-eksCluster-1"),
		ask("eks:DeleteNodegroup", arnEKS+"nodegroup/shop-eksCluster-1/shop-1/u"),
		ask("iam:PassRole", ownRole, "iam:PassedToService", "eks.amazonaws.com"),
		ask("iam:CreateServiceLinkedRole", "arn:aws:iam::111122223333:role/aws-service-role/eks-nodegroup.amazonaws.com/x",
			"iam:AWSServiceName", "eks-nodegroup.amazonaws.com"),
	},
	"aws:eks/podIdentityAssociation:PodIdentityAssociation": {
		created("eks:CreatePodIdentityAssociation", arnEKS+"cluster/shop-eksCluster-1"),
		ask("iam:PassRole", ownRole, "iam:PassedToService", "pods.eks.amazonaws.com"),
		ask("eks:DeletePodIdentityAssociation", arnEKS+"podidentityassociation/shop-eksCluster-1/a"),
	},
	"aws:iam/accessKey:AccessKey": {ask("iam:CreateAccessKey", ownUser), ask("iam:DeleteAccessKey", ownUser),
		ask("iam:GetAccessKeyLastUsed", ownUser)},
	"aws:iam/openIdConnectProvider:OpenIdConnectProvider": {
		ask("iam:CreateOpenIDConnectProvider", "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/1"),
		ask("iam:DeleteOpenIDConnectProvider", "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/1"),
	},
	"aws:iam/role:Role": {
		created("iam:CreateRole", ownRole, bounded, boundary), ask("iam:TagRole", ownRole), ask("iam:UpdateAssumeRolePolicy", ownRole),
		ask("iam:DeleteRole", ownRole), ask("iam:PutRolePermissionsBoundary", ownRole, bounded, boundary),
	},
	"aws:iam/rolePolicy:RolePolicy": {ask("iam:PutRolePolicy", ownRole, bounded, boundary),
		ask("iam:GetRolePolicy", ownRole), ask("iam:DeleteRolePolicy", ownRole, bounded, boundary)},
	"aws:iam/rolePolicyAttachment:RolePolicyAttachment": attachments(),
	"aws:iam/user:User": {created("iam:CreateUser", ownUser, bounded, boundary),
		ask("iam:GetUser", ownUser), ask("iam:DeleteUser", ownUser)},
	"aws:iam/userPolicy:UserPolicy": {ask("iam:PutUserPolicy", ownUser, bounded, boundary),
		ask("iam:DeleteUserPolicy", ownUser, bounded, boundary)},
	"aws:kms/key:Key": {
		created("kms:CreateKey", "*"), created("kms:TagResource", arnKey), owned("kms:EnableKeyRotation", arnKey),
		owned("kms:DescribeKey", arnKey),
		owned("kms:GetKeyPolicy", arnKey), owned("kms:CreateGrant", arnKey), owned("kms:ScheduleKeyDeletion", arnKey),
	},
	"aws:lambda/permission:Permission": {
		ask("lambda:AddPermission", "arn:aws:lambda:eu-west-1:111122223333:function:check", "lambda:Principal", "apigateway.amazonaws.com"),
		ask("lambda:GetPolicy", "arn:aws:lambda:eu-west-1:111122223333:function:check"),
		ask("lambda:RemovePermission", "arn:aws:lambda:eu-west-1:111122223333:function:check", "lambda:Principal", "apigateway.amazonaws.com"),
	},
	"aws:lb/listener:Listener": {
		owned("elasticloadbalancing:CreateListener", arnELB+"loadbalancer/net/shop-1/1"),
		created("elasticloadbalancing:AddTags", arnELB+"listener/net/shop-1/1/1"),
		owned("elasticloadbalancing:DeleteListener", arnELB+"listener/net/shop-1/1/1"),
	},
	"aws:lb/loadBalancer:LoadBalancer": {
		created("elasticloadbalancing:CreateLoadBalancer", arnELB+"loadbalancer/net/shop-1/*"),
		created("elasticloadbalancing:AddTags", arnELB+"loadbalancer/net/shop-1/*"),
		owned("elasticloadbalancing:DeleteLoadBalancer", arnELB+"loadbalancer/net/shop-1/1"),
		ask("iam:CreateServiceLinkedRole", "arn:aws:iam::111122223333:role/aws-service-role/elasticloadbalancing.amazonaws.com/x",
			"iam:AWSServiceName", "elasticloadbalancing.amazonaws.com"),
	},
	"aws:lb/targetGroup:TargetGroup": {created("elasticloadbalancing:CreateTargetGroup", arnELB+"targetgroup/shop-1/*"),
		owned("elasticloadbalancing:DeleteTargetGroup", arnELB+"targetgroup/shop-1/1"), ask("elasticloadbalancing:DescribeTargetHealth", "*")},
	"aws:route53/record:Record": {ask("route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z0OURS"),
		ask("route53:GetChange", "arn:aws:route53:::change/C1")},
	"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": many(tagged("AuthorizeSecurityGroupEgress", arnEC2+"security-group-rule/*"),
		[]request{
			owned("ec2:AuthorizeSecurityGroupEgress", arnEC2+"security-group/g"),
			owned("ec2:RevokeSecurityGroupEgress", arnEC2+"security-group/g "+arnEC2+"security-group-rule/r"),
		}),
	"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": many(tagged("AuthorizeSecurityGroupIngress",
		arnEC2+"security-group-rule/*"), []request{
		ask("ec2:AuthorizeSecurityGroupIngress", arnEC2+"security-group/nodes", "aws:ResourceTag/aws:eks:cluster-name", "shop-eksCluster-1"),
		owned("ec2:RevokeSecurityGroupIngress", arnEC2+"security-group-rule/r"),
	}),
	"aws:wafv2/webAcl:WebAcl": {created("wafv2:CreateWebACL", theACL),
		ask("wafv2:CreateWebACL", "arn:aws:wafv2:eu-west-1:111122223333:regional/managedruleset/AWS/x"), ask("wafv2:DeleteWebACL", theACL)},
	"aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": {ask("wafv2:PutLoggingConfiguration", theACL),
		ask("wafv2:DeleteLoggingConfiguration", theACL), ask("logs:CreateLogDelivery", "*")},
	"aws:wafv2/webAclAssociation:WebAclAssociation": {ask("wafv2:AssociateWebACL", theACL),
		owned("wafv2:AssociateWebACL", arnAPI+"restapis/abc/stages/prod"), owned("apigateway:SetWebACL", arnAPI+"restapis/abc/stages/prod")},
}

// attachments are the managed policies that components attach.
func attachments() (all []request) {
	for _, name := range []string{"AmazonEC2ContainerRegistryPullOnly", "AmazonEKSClusterPolicy", "AmazonEKSWorkerNodePolicy",
		"AmazonEKS_CNI_Policy", "service-role/AmazonAPIGatewayPushToCloudWatchLogs"} {
		for _, action := range []string{"iam:AttachRolePolicy", "iam:DetachRolePolicy"} {
			all = append(all, ask(action, ownRole, bounded, boundary, "iam:PolicyARN", "arn:aws:iam::aws:policy/"+name))
		}
	}
	return all
}

func TestDeployerCanDoWhatUpDoes(t *testing.T) {
	policy := parsed(t, everything(t))
	for token := range tableOf(t) {
		require.NotEmpty(t, operations[token], "say what %s takes", token)
		for _, r := range operations[token] {
			require.True(t, r.allowed(policy...), "%s: %s on %v %v", token, r.action, r.resources, r.context)
		}
		// Each type's own permissions are enough for it, in a stack of the few types that come with it.
		own := everything(t)
		own.Resources = append(own.Resources[:0:0], Resource{Type: "aws:eks/cluster:Cluster"})
		for _, r := range everything(t).Resources {
			if r.Type == token {
				own.Resources = append(own.Resources, r)
			}
		}
		alone := parsed(t, own)
		for _, r := range operations[token] {
			require.True(t, r.allowed(alone...), "%s alone: %s on %v %v", token, r.action, r.resources, r.context)
		}
	}
}
