package awsrules

import (
	"maps"
	"slices"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	"github.com/stretchr/testify/require"
)

// Every name in a rule must be an input or an output of the SDK's types.
func TestRulesNameWhatTheSDKHas(t *testing.T) {
	for token, rule := range table {
		names := slices.Concat(rule.replace, rule.required, slices.Collect(maps.Keys(rule.defaults)))
		for _, optional := range []string{rule.autoName, rule.unique} {
			if optional != "" {
				names = append(names, optional)
			}
		}
		for _, ref := range rule.refs {
			// The SDK takes a role or its name, which reads as anything.
			require.Contains(t, []string{"text", "anything"}, rule.shape().Kind(ref.path), "%s: %s", token, ref.path)
			target := table[ref.to]
			require.NotNil(t, target, "%s: %s names the type %s, which has no rule", token, ref.path, ref.to)
			if ref.attr != "" {
				require.Equal(t, "text", schema.OfOutputs(target.resource).Kind(ref.attr), "%s: %s has no output %s", token, ref.to, ref.attr)
			}
			require.NotEmpty(t, ref.missing, "%s: %s: AWS says something when it does not exist", token, ref.path)
		}
		for _, name := range names {
			require.NotEmpty(t, rule.shape().Kind(name), "%s has no input %s", token, name)
		}
		for _, name := range rule.stable {
			require.NotEmpty(t, schema.OfOutputs(rule.resource).Kind(name), "%s has no output %s", token, name)
		}
	}
}

const definition = `{"openapi":"3.0.1","paths":{"/a":{"get":{"x-amazon-apigateway-integration":` +
	`{"type":"http_proxy","httpMethod":"GET","uri":"http://a","timeoutInMillis":1000}}}}}`

const allow = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`

// examples are the inputs of one object of each type, in an order in which each can be made.
var examples = []struct {
	token  string
	inputs func(made) m
}{
	{VPC, func(made) m { return m{"cidrBlock": "10.0.0.0/16"} }},
	{Subnet, func(o made) m {
		return m{"vpcId": o[VPC].ID, "cidrBlock": "10.0.0.0/24", "availabilityZone": "us-east-1a"}
	}},
	{internetGatewayType, func(o made) m { return m{"vpcId": o[VPC].ID} }},
	{elasticIPType, func(made) m { return m{"domain": "vpc"} }},
	{natGatewayType, func(o made) m { return m{"subnetId": o[Subnet].ID, "allocationId": o[elasticIPType].ID} }},
	{routeTableType, func(o made) m { return m{"vpcId": o[VPC].ID} }},
	{route.token, func(o made) m {
		return m{"routeTableId": o[routeTableType].ID, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": o[internetGatewayType].ID}
	}},
	{routeTableAssociation.token, func(o made) m { return m{"routeTableId": o[routeTableType].ID, "subnetId": o[Subnet].ID} }},
	{SecurityGroup, func(o made) m { return m{"vpcId": o[VPC].ID} }},
	{SecurityGroupIngressRule, func(o made) m {
		return m{"securityGroupId": o[SecurityGroup].ID, "cidrIpv4": "10.0.0.0/16", "ipProtocol": "tcp", "fromPort": 443.0, "toPort": 443.0}
	}},
	{SecurityGroupEgressRule, func(o made) m {
		return m{"securityGroupId": o[SecurityGroup].ID, "cidrIpv4": "10.0.0.0/16", "ipProtocol": "tcp", "fromPort": 443.0, "toPort": 443.0}
	}},
	{VPCEndpoint, func(o made) m {
		return m{"vpcId": o[VPC].ID, "serviceName": "com.amazonaws.us-east-1.s3", "routeTableIds": []any{o[routeTableType].ID}}
	}},
	{KMSKey, func(made) m { return m{"enableKeyRotation": true, "deletionWindowInDays": 30.0} }},
	{LogGroup, func(made) m { return m{"retentionInDays": 30.0} }},
	{Role, func(made) m { return m{"assumeRolePolicy": trust} }},
	{RolePolicy, func(o made) m { return m{"role": o[Role].ID, "policy": allow} }},
	{rolePolicyAttachment.token, func(o made) m {
		return m{"role": o[Role].ID, "policyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"}
	}},
	{flowLog.token, func(o made) m {
		return m{"vpcId": o[VPC].ID, "trafficType": "ALL", "logDestination": o[LogGroup].Text("arn"), "iamRoleArn": o[Role].Text("arn")}
	}},
	{OIDCProvider, func(made) m {
		return m{"url": "https://oidc.example.com/id", "clientIdLists": []any{"sts.amazonaws.com"}}
	}},
	{User, func(made) m { return m{} }},
	{UserPolicy, func(o made) m { return m{"user": o[User].ID, "policy": allow} }},
	{AccessKey, func(o made) m { return m{"user": o[User].ID} }},
	{Cluster, func(o made) m {
		return m{"roleArn": o[Role].Text("arn"), "vpcConfig": m{"subnetIds": []any{o[Subnet].ID, o["second subnet"].ID}}}
	}},
	{LaunchTemplate, func(o made) m { return m{"vpcSecurityGroupIds": []any{o[SecurityGroup].ID}} }},
	{NodeGroup, func(o made) m {
		return m{
			"clusterName": o[Cluster].ID, "nodeRoleArn": o[Role].Text("arn"), "subnetIds": []any{o[Subnet].ID},
			"scalingConfig": m{"minSize": 1.0, "desiredSize": 1.0, "maxSize": 1.0},
		}
	}},
	{Addon, func(o made) m { return m{"clusterName": o[Cluster].ID, "addonName": "vpc-cni"} }},
	{accessEntryType, func(o made) m {
		return m{"clusterName": o[Cluster].ID, "principalArn": "arn:aws:iam::111122223333:role/admin"}
	}},
	{accessPolicyAssociation.token, func(o made) m {
		return m{
			"clusterName": o[Cluster].ID, "principalArn": "arn:aws:iam::111122223333:role/admin",
			"policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", "accessScope": m{"type": "cluster"},
		}
	}},
	{PodIdentityAssociation, func(o made) m {
		return m{"clusterName": o[Cluster].ID, "namespace": "a", "serviceAccount": "b", "roleArn": o[Role].Text("arn")}
	}},
	{LoadBalancer, func(o made) m {
		return m{"loadBalancerType": "network", "internal": true, "subnets": []any{o[Subnet].ID}, "securityGroups": []any{o[SecurityGroup].ID}}
	}},
	{TargetGroup, func(o made) m { return m{"vpcId": o[VPC].ID, "port": 30080.0, "protocol": "TCP"} }},
	{AutoScalingAttachment, func(o made) m {
		return m{"autoscalingGroupName": AutoScalingGroupOf(o[NodeGroup]), "lbTargetGroupArn": o[TargetGroup].ID}
	}},
	{Listener, func(o made) m {
		return m{
			"loadBalancerArn": o[LoadBalancer].ID, "port": 80.0, "protocol": "TCP",
			"defaultActions": []any{m{"type": "forward", "targetGroupArn": o[TargetGroup].ID}},
		}
	}},
	{VPCLink, func(o made) m { return m{"targetArn": o[LoadBalancer].ID} }},
	{RestAPI, func(made) m { return m{"body": definition} }},
	{Deployment, func(o made) m { return m{"restApi": o[RestAPI].ID} }},
	{Stage, func(o made) m {
		return m{"restApi": o[RestAPI].ID, "deployment": o[Deployment].ID, "stageName": "prod"}
	}},
	{MethodSettings, func(o made) m {
		return m{"restApi": o[RestAPI].ID, "stageName": "prod", "methodPath": "*/*", "settings": m{"metricsEnabled": true}}
	}},
	{apiGatewayAccount.token, func(o made) m { return m{"cloudwatchRoleArn": o[Role].Text("arn")} }},
	{APIKey, func(made) m { return m{} }},
	{UsagePlan, func(o made) m { return m{"apiStages": []any{m{"apiId": o[RestAPI].ID, "stage": "prod"}}} }},
	{UsagePlanKey, func(o made) m { return m{"keyId": o[APIKey].ID, "keyType": "API_KEY", "usagePlanId": o[UsagePlan].ID} }},
	{certificateType, func(made) m { return m{"domainName": "api.example.com", "validationMethod": "DNS"} }},
	{dnsRecordType, func(o made) m {
		proof := o[certificateType].Outputs.Objects("domainValidationOptions[]")[0]
		return m{"zoneId": "Z1", "name": proof["resourceRecordName"], "type": "CNAME", "ttl": 60.0,
			"records": []any{proof["resourceRecordValue"]}}
	}},
	{certificateValidation.token, func(o made) m { return m{"certificateArn": o[certificateType].ID} }},
	{DomainName, func(o made) m {
		return m{
			"domainName": "api.example.com", "regionalCertificateArn": o[certificateType].ID,
			"endpointConfiguration": m{"types": "REGIONAL"}, "securityPolicy": "TLS_1_2",
		}
	}},
	{BasePathMapping, func(o made) m {
		return m{"domainName": "api.example.com", "restApi": o[RestAPI].ID, "stageName": "prod"}
	}},
	{webACLType, func(made) m {
		visible := m{"cloudwatchMetricsEnabled": true, "metricName": "x", "sampledRequestsEnabled": true}
		return m{"scope": "REGIONAL", "defaultAction": m{"allow": m{}}, "visibilityConfig": visible}
	}},
	{webACLAssociationType, func(o made) m {
		return m{"resourceArn": o[Stage].Text("arn"), "webAclArn": o[webACLType].Text("arn")}
	}},
	{webACLLoggingType, func(o made) m {
		return m{"resourceArn": o[webACLType].Text("arn"), "logDestinationConfigs": []any{o["waf logs"].Text("arn")}}
	}},
	{LambdaPermission, func(o made) m {
		return m{
			"function": "arn:aws:lambda:us-east-1:111122223333:function:gate", "action": "lambda:InvokeFunction",
			"principal": "apigateway.amazonaws.com", "sourceArn": o[RestAPI].Text("executionArn") + "/authorizers/*",
		}
	}},
	{logMetricFilter.token, func(o made) m {
		return m{"logGroupName": o[LogGroup].ID, "pattern": "x", "metricTransformation": m{"name": "x", "namespace": "y", "value": "1"}}
	}},
	{metricAlarm.token, func(made) m {
		return m{"comparisonOperator": "GreaterThanThreshold", "evaluationPeriods": 1.0, "statistic": "Sum"}
	}},
	{dashboard.token, func(made) m { return m{"dashboardName": "x", "dashboardBody": "{}"} }},
}

type made = map[string]*store.Object

// One object of every type is made, has outputs that the SDK knows, changes nothing when asked for again, and goes.
func TestEveryTypeIsMadeAndDeleted(t *testing.T) {
	a, objects := newAccount(t), made{}
	var order []*store.Object
	for _, example := range examples {
		require.Nil(t, objects[example.token], "%s has two examples", example.token)
		o := a.make(example.token, example.inputs(objects))
		objects[example.token], order = o, append(order, o)
		switch example.token {
		case Subnet:
			second := a.make(Subnet, m{"vpcId": o.Text("vpcId"), "cidrBlock": "10.0.1.0/24", "availabilityZone": "us-east-1b"})
			objects["second subnet"], order = second, append(order, second)
		case webACLType:
			group := a.make(LogGroup, m{"name": "aws-waf-logs-x"})
			objects["waf logs"], order = group, append(order, group)
		}
		for _, failure := range schema.OfOutputs(table[example.token].resource).Check(o.Outputs) {
			t.Errorf("%s: output %s %s", example.token, failure.Property, failure.Reason)
		}
		checked, failures, err := a.rules.Check(example.token, "x", o.Inputs, example.inputs(objects), nil)
		require.NoError(t, err)
		require.Empty(t, failures)
		changed, _, err := a.rules.Diff(example.token, o.Inputs, checked)
		require.NoError(t, err)
		require.Empty(t, changed, example.token)
	}
	for token := range table {
		require.NotNil(t, objects[token], "%s has no example", token)
	}
	for _, o := range slices.Backward(order) {
		a.deletes(o)
		require.Nil(t, a.rules.Read(o.Type, o.ID))
	}
}
