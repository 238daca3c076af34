package awsrules

import (
	"context"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	"github.com/stretchr/testify/require"
)

func (a account) makeIn(region, token string, inputs m) (*store.Object, error) {
	checked, failures, err := a.rules.Check(token, "x", nil, inputs, nil)
	require.NoError(a.t, err)
	require.Empty(a.t, failures)
	return a.rules.Create(context.Background(), token, region, "urn", checked)
}

func (a account) changes(o *store.Object, change m) error {
	inputs := m{}
	for key, value := range o.Inputs {
		inputs[key] = value
	}
	for key, value := range change {
		inputs[key] = value
	}
	_, err := a.rules.Update(o.Type, "us-east-1", o.ID, inputs)
	return err
}

// What a cluster that exists may become, and what not.
func TestClustersThatChange(t *testing.T) {
	a := newAccount(t)
	vpc, first, second := a.vpcWithSubnets()
	third := a.make(Subnet, m{"vpcId": vpc.ID, "cidrBlock": "10.0.2.0/24", "availabilityZone": "us-east-1c"})
	besides := a.make(Subnet, m{"vpcId": vpc.ID, "cidrBlock": "10.0.3.0/24", "availabilityZone": "us-east-1b"})
	foreign := a.make(Subnet, m{"vpcId": a.make(VPC, m{"cidrBlock": "10.1.0.0/16"}).ID, "cidrBlock": "10.1.0.0/24",
		"availabilityZone": "us-east-1a"})
	outside := a.make(Subnet, m{"vpcId": vpc.ID, "cidrBlock": "10.0.4.0/24", "availabilityZone": "us-east-1e"})
	role := a.make(Role, m{"assumeRolePolicy": trust})
	in := func(subnets ...*store.Object) m {
		ids := []any{}
		for _, s := range subnets {
			ids = append(ids, s.ID)
		}
		return m{"subnetIds": ids}
	}
	a.refuses("UnsupportedAvailabilityZoneException", Cluster, m{"roleArn": role.Text("arn"), "vpcConfig": in(first, outside)})
	cluster := a.make(Cluster, m{"roleArn": role.Text("arn"), "version": "1.34", "vpcConfig": in(first, second),
		"encryptionConfig": m{"provider": m{"keyArn": "k"}, "resources": []any{"secrets"}}})
	require.NoError(t, a.changes(cluster, m{"vpcConfig": in(first, second, besides)}))
	require.ErrorContains(t, a.changes(cluster, m{"vpcConfig": in(first, second, third)}), "exact set of AZs")
	require.ErrorContains(t, a.changes(cluster, m{"vpcConfig": in(foreign, second)}), "do not belong to the VPC")
	require.ErrorContains(t, a.changes(cluster, m{"encryptionConfig": nil}), "cannot be changed or disabled")
	require.NoError(t, a.changes(cluster, m{"version": "1.35"}))
	require.ErrorContains(t, a.changes(cluster, m{"version": "1.34"}), "Unsupported Kubernetes minor version update")
	require.ErrorContains(t, a.changes(cluster, m{"version": "1.37"}), "Unsupported Kubernetes minor version update")
	a.refuses(resourceInUse, accessEntryType, m{"clusterName": cluster.ID, "principalArn": callerARN("us-east-1")})

	a.refuses("InsufficientNumberOfReplicas", Addon, m{"clusterName": cluster.ID, "addonName": "coredns"})
	group := m{
		"clusterName": cluster.ID, "nodeRoleArn": role.Text("arn"), "subnetIds": []any{first.ID}, "version": "1.35",
		"scalingConfig": m{"minSize": 1.0, "desiredSize": 1.0, "maxSize": 2.0},
	}
	nodes := a.make(NodeGroup, group)
	require.ErrorContains(t, a.changes(nodes, m{"version": "1.36"}), "higher than the cluster's")
	require.ErrorContains(t, a.changes(nodes, m{"version": "1.34"}), "cannot go back")
	group["scalingConfig"] = m{"minSize": 2.0, "desiredSize": 1.0, "maxSize": 2.0}
	_, err := a.try(NodeGroup, group)
	require.ErrorContains(t, err, "can't be greater than desired size")
	a.make(Addon, m{"clusterName": cluster.ID, "addonName": "coredns", "addonVersion": addonVersion("1.35") + madeUp})
	a.refuses("InvalidParameterException", Addon, m{"clusterName": cluster.ID, "addonName": "kube-proxy",
		"addonVersion": addonVersion("1.34") + madeUp})
}

// In China, names end or begin otherwise.
func TestPartitions(t *testing.T) {
	a := newAccount(t)
	role, err := a.makeIn("cn-north-1", Role, m{"assumeRolePolicy": trust})
	require.NoError(t, err)
	require.Equal(t, "arn:aws-cn:iam::111122223333:role/"+role.ID, role.Text("arn"))
	_, err = a.makeIn("cn-north-1", rolePolicyAttachment.token,
		m{"role": role.ID, "policyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"})
	require.ErrorContains(t, err, "NoSuchEntity")
	vpc, err := a.makeIn("cn-north-1", VPC, m{"cidrBlock": "10.0.0.0/16"})
	require.NoError(t, err)
	interfaceOf := func(name string) m { return m{"vpcId": vpc.ID, "vpcEndpointType": "Interface", "serviceName": name} }
	_, err = a.makeIn("cn-north-1", VPCEndpoint, interfaceOf("com.amazonaws.cn-north-1.ecr.api"))
	require.ErrorContains(t, err, "InvalidServiceName")
	_, err = a.makeIn("cn-north-1", VPCEndpoint, interfaceOf("cn.com.amazonaws.cn-north-1.ecr.api"))
	require.NoError(t, err)
	require.Equal(t, "aws-us-gov", Partition("us-gov-west-1"))
	require.Equal(t, "usgw1-az1", zoneID("us-gov-west-1", "us-gov-west-1a"))
	require.Equal(t, "apse2-az3", zoneID("ap-southeast-2", "ap-southeast-2c"))
}

func TestLoadBalancersThatChange(t *testing.T) {
	a := newAccount(t)
	vpc, first, second := a.vpcWithSubnets()
	balancer := a.make(LoadBalancer, m{"loadBalancerType": "network", "subnets": []any{first.ID, second.ID}})
	replaced := func(subnets ...any) []string {
		news := m{"loadBalancerType": "network", "name": balancer.Text("name"), "subnets": subnets}
		_, names, err := a.rules.Diff(LoadBalancer, balancer.Inputs, news)
		require.NoError(t, err)
		return names
	}
	require.Equal(t, []string{"subnets"}, replaced(first.ID))
	require.Empty(t, replaced(second.ID, first.ID, "subnet-more"))
	another := a.make(LoadBalancer, m{"loadBalancerType": "network", "subnets": []any{first.ID}})
	group := a.make(TargetGroup, m{"vpcId": vpc.ID, "port": 30080.0, "protocol": "TCP"})
	to := func(balancer *store.Object) m {
		return m{"loadBalancerArn": balancer.ID, "port": 80.0, "protocol": "TCP",
			"defaultActions": []any{m{"type": "forward", "targetGroupArn": group.ID}}}
	}
	a.make(Listener, to(balancer))
	a.refuses("TargetGroupAssociationLimit", Listener, to(another))
	for token, inputs := range map[string]m{
		LoadBalancer:   {"loadBalancerType": "network", "subnets": []any{first.ID}, "name": "internal-x"},
		SecurityGroup:  {"vpcId": vpc.ID, "name": "sg-x"},
		LaunchTemplate: {"tagSpecifications": []any{m{"resourceType": "instance"}}},
	} {
		_, err := a.try(token, inputs)
		require.Error(t, err, token)
	}
}
