// Package target is what a gateway's load balancer sends requests to. The cluster gives its nodes, the proxy makes a
// target of them, and the gateway takes it:
//
//	c, err := cluster.New(ctx, "shop", &cluster.Args{Network: net.VPC()})
//	p, err := proxy.New(ctx, "shop", &proxy.Args{Routes: routes, Nodes: c.Nodes()}, pulumi.Provider(c.Kubernetes))
//	g, err := gateway.New(ctx, "shop", &gateway.Args{Routes: routes, Network: net.VPC(), Target: p.Target()})
package target

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// Nodes are the instances on which pods run.
type Nodes struct {
	// SecurityGroupID is the nodes' security group; a gateway opens one port of it, for its load balancer alone.
	SecurityGroupID pulumi.StringInput `pulumi:"securityGroupId"`
	// AutoScalingGroups are those whose instances become targets, by names that stay while groups come and go: those of the
	// node groups, for example. Which there are must be known. Empty, and not nil, where something else registers the nodes.
	AutoScalingGroups pulumi.StringMap `pulumi:"autoScalingGroups"`
}

// Target is a proxy on the nodes of a cluster.
type Target struct {
	Nodes Nodes `pulumi:"nodes"`
	// NodePort is the proxy's port on every node, for targets of the type instance. Where the number is known at once, a
	// change of it, as of Pods.Port, keeps the old port open until nothing goes there.
	NodePort pulumi.IntInput `pulumi:"nodePort,optional"`
	// Pods are the proxy's, for targets of the type ip.
	Pods Pods `pulumi:"pods,optional"`
}

// Pods are what a TargetGroupBinding needs to know of a proxy.
type Pods struct {
	// Kubernetes is the provider of the cluster. Default the gateway's own.
	Kubernetes pulumi.ProviderResource
	// Namespace and ServiceName are those of the proxy's Service.
	Namespace   pulumi.StringInput `pulumi:"namespace"`
	ServiceName pulumi.StringInput `pulumi:"serviceName"`
	// ServicePort is the Service's port, and Port that of the pods.
	ServicePort pulumi.IntInput `pulumi:"servicePort"`
	Port        pulumi.IntInput `pulumi:"port"`
}
