package awsrules

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	"github.com/stretchr/testify/require"
)

type noPorts struct{}

func (noPorts) ListenForAPI(string) (int, error) { return 1, nil }

type account struct {
	t     *testing.T
	rules *Rules
}

func newAccount(t *testing.T) account {
	t.Helper()
	objects, err := store.Open(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, objects.Close()) })
	return account{t, New(objects, noPorts{}, 0)}
}

func (a account) try(token string, inputs map[string]any) (*store.Object, error) {
	checked, failures, err := a.rules.Check(token, "x", nil, inputs, nil)
	require.NoError(a.t, err)
	if len(failures) > 0 {
		return nil, fmt.Errorf("%v", failures)
	}
	return a.rules.Create(context.Background(), token, "us-east-1", "urn", checked)
}

func (a account) make(token string, inputs map[string]any) *store.Object {
	a.t.Helper()
	o, err := a.try(token, inputs)
	require.NoError(a.t, err)
	return o
}

func (a account) refuses(code, token string, inputs map[string]any) {
	a.t.Helper()
	_, err := a.try(token, inputs)
	var refused *APIError
	require.True(a.t, errors.As(err, &refused), "%v", err)
	require.Equal(a.t, code, refused.Code)
}

func (a account) keeps(code string, o *store.Object) {
	a.t.Helper()
	var refused *APIError
	err := a.rules.Delete(context.Background(), o.Type, "us-east-1", o.ID)
	require.True(a.t, errors.As(err, &refused), "%s: %v", o.Type, err)
	require.Equal(a.t, code, refused.Code)
}

func (a account) deletes(o *store.Object) {
	a.t.Helper()
	require.NoError(a.t, a.rules.Delete(context.Background(), o.Type, "us-east-1", o.ID))
}

type m = map[string]any

func (a account) vpcWithSubnets() (vpc, first, second *store.Object) {
	vpc = a.make(VPC, m{"cidrBlock": "10.0.0.0/16"})
	first = a.make(Subnet, m{"vpcId": vpc.ID, "cidrBlock": "10.0.0.0/24", "availabilityZone": "us-east-1a"})
	second = a.make(Subnet, m{"vpcId": vpc.ID, "cidrBlock": "10.0.1.0/24", "availabilityZone": "us-east-1b"})
	return vpc, first, second
}

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":["eks.amazonaws.com","ec2.amazonaws.com"]}}]}`

func TestInputsAreChecked(t *testing.T) {
	a := newAccount(t)
	for _, c := range []struct {
		token  string
		inputs m
		want   schema.Failure
	}{
		{VPC, m{"cidrBlock": "10.0.0.0/16", "cidr": "x"}, schema.Failure{Property: "cidr", Reason: "is not a property of this resource"}},
		{VPC, m{}, schema.Failure{Property: "cidrBlock", Reason: "is required"}},
		{VPC, m{"cidrBlock": 1.0}, schema.Failure{Property: "cidrBlock", Reason: "must be a string"}},
		{VPC, m{"cidrBlock": "10.0.0.0/8"}, schema.Failure{Property: "cidrBlock", Reason: "10.0.0.0/8 is not a valid range: InvalidVpc.Range"}},
		{Listener, m{"port": 80.0, "protocol": "TCP", "defaultActions": []any{m{"type": "forward"}}},
			schema.Failure{Property: "loadBalancerArn", Reason: "is required"}},
		{LoadBalancer, m{"loadBalancerType": "network", "subnets": []any{"s"}, "name": "a-load-balancer-with-too-long-a-name"},
			schema.Failure{Property: "name", Reason: `"a-load-balancer-with-too-long-a-name" is longer than 32 characters`}},
		{LoadBalancer, m{"loadBalancerType": "network"}, schema.Failure{Property: "subnets", Reason: "is required"}},
		{Stage, m{"restApi": "a", "deployment": "b", "stageName": "a.b"},
			schema.Failure{Property: "stageName", Reason: "Stage name only allows a-zA-Z0-9-_"}},
		{Role, m{"assumeRolePolicy": `{"Version":"2012-10-17"}`}, schema.Failure{Property: "assumeRolePolicy",
			Reason: "MalformedPolicyDocument: a Version of 2012-10-17 and a Statement are required"}},
		{MethodSettings, m{"restApi": "a", "stageName": "b", "methodPath": "a/b/GET", "settings": m{"metricsEnabled": true}}, schema.Failure{
			Property: "methodPath", Reason: "Invalid method setting path: a/b/GET: write */*, or ~1 for each slash of the resource's path, a " +
				"slash and a method",
		}},
		{LogGroup, m{"retentionInDays": 2.0}, schema.Failure{Property: "retentionInDays",
			Reason: "is not one of the periods of CloudWatch Logs"}},
		{SecurityGroupIngressRule, m{"securityGroupId": "sg", "ipProtocol": "tcp"},
			schema.Failure{Property: "referencedSecurityGroupId", Reason: "exactly one must be set of referencedSecurityGroupId, cidrIpv4, " +
				"cidrIpv6, prefixListId"}},
	} {
		_, failures, err := a.rules.Check(c.token, "x", nil, c.inputs, nil)
		require.NoError(t, err)
		require.Contains(t, failures, c.want)
	}
	_, _, err := a.rules.Check("aws:s3/bucket:Bucket", "x", nil, m{}, nil)
	require.ErrorContains(t, err, "does not know the resource type aws:s3/bucket:Bucket")
}

func TestAutomaticNamesStay(t *testing.T) {
	a := newAccount(t)
	first, _, err := a.rules.Check(Role, "role", nil, m{"assumeRolePolicy": trust}, nil)
	require.NoError(t, err)
	require.Regexp(t, "^role-[0-9a-f]{7}$", first["name"])
	again, _, err := a.rules.Check(Role, "role", first, m{"assumeRolePolicy": trust}, nil)
	require.NoError(t, err)
	require.Equal(t, first["name"], again["name"])
	changed, replaced, err := a.rules.Diff(Role, first, again)
	require.NoError(t, err)
	require.Empty(t, append(changed, replaced...))
}

func TestUpdateOrReplace(t *testing.T) {
	a := newAccount(t)
	for _, c := range []struct {
		token, property string
		replaces        bool
	}{
		{VPC, "cidrBlock", true}, {VPC, "enableDnsHostnames", false},
		{LoadBalancer, "internal", true}, {LoadBalancer, "enableCrossZoneLoadBalancing", false},
		{TargetGroup, "port", true}, {TargetGroup, "deregistrationDelay", false},
		{Deployment, "triggers", true}, {RestAPI, "body", false}, {Stage, "deployment", false}, {VPCLink, "targetArn", true},
		{NodeGroup, "scalingConfig", false}, {NodeGroup, "subnetIds", true},
	} {
		changed, replaced, err := a.rules.Diff(c.token, m{c.property: "old"}, m{c.property: "new"})
		require.NoError(t, err)
		require.Equal(t, []string{c.property}, changed)
		require.Equal(t, c.replaces, len(replaced) == 1, "%s %s", c.token, c.property)
	}
}

func TestReferencesMustExist(t *testing.T) {
	a := newAccount(t)
	a.refuses("InvalidVpcID.NotFound", Subnet, m{"vpcId": "vpc-0", "cidrBlock": "10.0.0.0/24"})
	a.refuses("NoSuchEntity", AccessKey, m{"user": "nobody"})
	a.refuses("BadRequestException", VPCLink, m{"targetArn": "arn:nothing"})
	a.refuses("NotFoundException", Deployment, m{"restApi": "nothing"})
	a.refuses("MalformedPolicyDocument", Role, m{"assumeRolePolicy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::111122223333:role/nobody"}}]}`})
	a.refuses("NoSuchEntity", "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
		m{"role": a.make(Role, m{"assumeRolePolicy": trust}).ID, "policyArn": "arn:aws:iam::aws:policy/NoSuchPolicy"})
}

func TestNetworkRules(t *testing.T) {
	a := newAccount(t)
	vpc, first, second := a.vpcWithSubnets()
	a.refuses("InvalidSubnet.Conflict", Subnet, m{"vpcId": vpc.ID, "cidrBlock": "10.0.0.128/25", "availabilityZone": "us-east-1a"})
	a.refuses("InvalidSubnet.Range", Subnet, m{"vpcId": vpc.ID, "cidrBlock": "10.1.0.0/24", "availabilityZone": "us-east-1a"})
	a.refuses("InvalidParameterValue", Subnet, m{"vpcId": vpc.ID, "cidrBlock": "10.0.2.0/24", "availabilityZone": "eu-west-1a"})
	a.keeps(violation, vpc)

	gateway := a.make(internetGatewayType, m{"vpcId": vpc.ID})
	address := a.make(elasticIPType, m{"domain": "vpc"})
	nat := a.make(natGatewayType, m{"subnetId": first.ID, "allocationId": address.ID})
	a.keeps(violation, first)
	a.keeps(violation, gateway)
	a.keeps("InvalidIPAddress.InUse", address)
	for _, o := range []*store.Object{nat, address, gateway, first, second, vpc} {
		a.deletes(o)
	}
}

func TestSecurityGroupRules(t *testing.T) {
	a := newAccount(t)
	vpc, _, _ := a.vpcWithSubnets()
	one, other := a.make(SecurityGroup, m{"vpcId": vpc.ID}), a.make(SecurityGroup, m{"vpcId": vpc.ID})
	rule := m{"securityGroupId": one.ID, "referencedSecurityGroupId": other.ID, "ipProtocol": "tcp", "fromPort": 1.0, "toPort": 1.0}
	made := a.make(SecurityGroupIngressRule, rule)
	a.refuses("InvalidPermission.Duplicate", SecurityGroupIngressRule, rule)
	a.keeps(violation, other)
	a.deletes(made)
	a.deletes(other)
}

func TestLoadBalancerRules(t *testing.T) {
	a := newAccount(t)
	vpc, first, second := a.vpcWithSubnets()
	same := a.make(Subnet, m{"vpcId": vpc.ID, "cidrBlock": "10.0.2.0/24", "availabilityZone": "us-east-1a"})
	a.refuses("InvalidConfigurationRequest", LoadBalancer, m{"loadBalancerType": "network", "subnets": []any{first.ID, same.ID}})
	nlb := a.make(LoadBalancer, m{"loadBalancerType": "network", "subnets": []any{first.ID, second.ID}, "name": "nlb"})
	a.refuses("AlreadyExists", LoadBalancer, m{"loadBalancerType": "network", "subnets": []any{first.ID}, "name": "nlb"})
	a.refuses("BadRequestException", VPCLink, m{"targetArn": nlb.ID})

	targets := a.make(TargetGroup, m{"vpcId": vpc.ID, "port": 1.0, "protocol": "TCP"})
	forward := m{"loadBalancerArn": nlb.ID, "port": 80.0, "protocol": "TCP",
		"defaultActions": []any{m{"type": "forward", "targetGroupArn": targets.ID}}}
	listener := a.make(Listener, forward)
	a.refuses("DuplicateListener", Listener, forward)
	a.keeps("ResourceInUse", targets)

	link := a.make(VPCLink, m{"targetArn": nlb.ID})
	require.Equal(t, VPCLinkAvailable, link.Status)
	a.refuses("BadRequestException", VPCLink, m{"targetArn": nlb.ID})
	a.keeps("ResourceInUse", nlb)
	a.keeps(violation, first)
	for _, o := range []*store.Object{link, listener, targets, nlb} {
		a.deletes(o)
	}

	protected := a.make(LoadBalancer, m{"loadBalancerType": "network", "subnets": []any{first.ID}, "enableDeletionProtection": true})
	a.keeps("OperationNotPermitted", protected)
}

func TestClusterRules(t *testing.T) {
	a := newAccount(t)
	vpc, first, second := a.vpcWithSubnets()
	role := a.make(Role, m{"assumeRolePolicy": trust})
	a.refuses("InvalidParameterException", Cluster, m{"roleArn": role.Text("arn"), "vpcConfig": m{"subnetIds": []any{first.ID}}})
	cluster := a.make(Cluster, m{"name": "c", "roleArn": role.Text("arn"), "vpcConfig": m{"subnetIds": []any{first.ID, second.ID}}})
	require.Equal(t, "ACTIVE", cluster.Status)
	group := a.make(NodeGroup, m{"clusterName": "c", "nodeRoleArn": role.Text("arn"), "subnetIds": []any{first.ID},
		"scalingConfig": m{"minSize": 1.0, "desiredSize": 3.0, "maxSize": 3.0}})
	require.Len(t, Instances(a.rules.store, "c"), 3)
	a.keeps("ResourceInUseException", cluster)
	a.keeps(violation, first)
	a.deletes(group)
	require.Empty(t, Instances(a.rules.store, "c"))
	a.deletes(cluster)
	for _, o := range []*store.Object{first, second, vpc} {
		a.deletes(o)
	}
	require.Empty(t, a.rules.store.List(SecurityGroup), "the cluster's own group goes with it")
}

func TestUserRules(t *testing.T) {
	a := newAccount(t)
	user := a.make(User, m{"name": "u"})
	key := a.make(AccessKey, m{"user": "u"})
	require.Regexp(t, "^AKIA[A-Z2-7]{16}$", key.ID)
	require.Len(t, key.Text("secret"), 40)
	updated, err := a.rules.Update(AccessKey, "us-east-1", key.ID, m{"user": "u", "status": "Inactive"})
	require.NoError(t, err)
	require.Equal(t, key.Text("secret"), updated.Text("secret"), "a change keeps the secret")
	a.make(AccessKey, m{"user": "u"})
	a.refuses("LimitExceeded", AccessKey, m{"user": "u"})
	a.keeps(deleteConflict, user)
}

func TestStageRules(t *testing.T) {
	a := newAccount(t)
	api := a.make(RestAPI, m{"body": definition})
	deployment := a.make(Deployment, m{"restApi": api.ID})
	stage := a.make(Stage, m{"restApi": api.ID, "deployment": deployment.ID, "stageName": "prod"})
	a.refuses("ConflictException", Stage, m{"restApi": api.ID, "deployment": deployment.ID, "stageName": "prod"})
	a.keeps("BadRequestException", deployment)
	a.refuses("BadRequestException", Deployment, m{"restApi": a.make(RestAPI, m{"body": `{"openapi":"3.0.1","paths":{}}`}).ID})
	a.refuses("BadRequestException", RestAPI, m{"body": `{"openapi":"3.0.1","paths":{"/a":{"get":{"x-amazon-apigateway-integration":{"type":"http_proxy","uri":"http://a","timeoutInMillis":1000,"connectionType":"VPC_LINK","connectionId":"nothing"}}}}}`})
	_, err := a.try(RestAPI, m{"body": `{"openapi":"2.0"}`})
	require.ErrorContains(t, err, "invalid OpenAPI input")
	a.refuses("BadRequestException", DomainName, m{"domainName": "a.example.com",
		"regionalCertificateArn": "arn:aws:acm:eu-west-1:111122223333:certificate/1"})
	a.make(DomainName, m{"domainName": "a.example.com", "regionalCertificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/1"})
	known := a.make(certificateType, m{"domainName": "*.example.com", "validationMethod": "DNS"})
	a.make(DomainName, m{"domainName": "b.example.com", "regionalCertificateArn": known.ID})
	a.refuses("BadRequestException", DomainName, m{"domainName": "b.c.example.com", "regionalCertificateArn": known.ID})
	a.refuses("BadRequestException", DomainName, m{"domainName": "example.com", "regionalCertificateArn": known.ID})
	mapping := a.make(BasePathMapping, m{"domainName": "a.example.com", "restApi": api.ID, "stageName": "prod"})
	a.keeps("BadRequestException", api)
	a.deletes(mapping)
	a.refuses("NotFoundException", MethodSettings, m{"restApi": api.ID, "stageName": "dev", "methodPath": "~1a/GET", "settings": m{}})
	a.deletes(api)
	require.Nil(t, a.rules.Read(Stage, stage.ID), "an API takes its stages along")
}

// Whatever becomes of associations, a stage has the web ACL of the last one that was made, until any of them goes.
func TestWebACLAssociationsBelongToTheStage(t *testing.T) {
	a := newAccount(t)
	api := a.make(RestAPI, m{"body": definition})
	stage := a.make(Stage, m{"restApi": api.ID, "deployment": a.make(Deployment, m{"restApi": api.ID}).ID, "stageName": "prod"})
	acl := func(name string) *store.Object {
		return a.make(webACLType, m{
			"name": name, "scope": "REGIONAL", "defaultAction": m{"allow": m{}},
			"visibilityConfig": m{"cloudwatchMetricsEnabled": true, "metricName": "x", "sampledRequestsEnabled": true},
		})
	}
	first, second := acl("first"), acl("second")
	old := a.make(webACLAssociationType, m{"resourceArn": stage.Text("arn"), "webAclArn": first.Text("arn")})
	a.keeps("WAFAssociatedItemException", first)
	successor := a.make(webACLAssociationType, m{"resourceArn": stage.Text("arn"), "webAclArn": second.Text("arn")})
	a.deletes(first)
	a.deletes(old)
	require.Nil(t, a.rules.Read(webACLAssociationType, successor.ID), "to disassociate names the stage alone")
	_, err := a.try(webACLLoggingType, m{"resourceArn": second.Text("arn"),
		"logDestinationConfigs": []any{"arn:aws:logs:us-east-1:111122223333:log-group:mine"}})
	require.ErrorContains(t, err, "begins with aws-waf-logs-")
}

func TestALinkStaysWhileSomethingUsesIt(t *testing.T) {
	a := newAccount(t)
	_, first, second := a.vpcWithSubnets()
	nlb := a.make(LoadBalancer, m{"loadBalancerType": "network", "subnets": []any{first.ID, second.ID}, "name": "nlb"})
	targets := a.make(TargetGroup, m{"vpcId": first.Text("vpcId"), "port": 1.0, "protocol": "TCP"})
	a.make(Listener, m{"loadBalancerArn": nlb.ID, "port": 80.0, "protocol": "TCP",
		"defaultActions": []any{m{"type": "forward", "targetGroupArn": targets.ID}}})
	link := a.make(VPCLink, m{"targetArn": nlb.ID})
	through := strings.Replace(definition, `"timeoutInMillis"`, `"connectionType":"VPC_LINK","connectionId":"`+link.ID+
		`","timeoutInMillis"`, 1)
	api := a.make(RestAPI, m{"body": through})
	old := a.make(Deployment, m{"restApi": api.ID})
	a.make(Stage, m{"restApi": api.ID, "deployment": old.ID, "stageName": "prod"})
	a.keeps("BadRequestException", link)
	_, err := a.rules.Update(RestAPI, "us-east-1", api.ID, m{"body": definition})
	require.NoError(t, err)
	a.keeps("BadRequestException", link)
	_, err = a.rules.Update(Stage, "us-east-1", stageID(api.ID, "prod"),
		m{"restApi": api.ID, "deployment": a.make(Deployment, m{"restApi": api.ID}).ID, "stageName": "prod"})
	require.NoError(t, err)
	a.deletes(link)
}

// Where AWS admits creations at a fixed rate, each waits for those before it.
func TestCreationsWaitForTheirTurn(t *testing.T) {
	a := newAccount(t)
	require.Zero(t, a.rules.admitted(domainName), "without simulated latency nothing waits")
	a.rules.scale = 1
	require.Zero(t, a.rules.admitted(domainName))
	a.rules.admitted(domainName)
	third := time.Now().Add(2 * domainName.every)
	require.WithinDuration(t, third, a.rules.next[DomainName], domainName.every/2)
	require.Zero(t, a.rules.admitted(logGroup), "a type without a rate")
}
