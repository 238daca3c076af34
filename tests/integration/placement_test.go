package integration

import (
	"context"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/stretchr/testify/require"
)

// What requests pass on their way changes under load, while targets take their time to become healthy, as on AWS.
func TestPlacementChangesDropNoRequest(t *testing.T) {
	e := newSlowEnvironment(t, 0.005, nil)
	e.up()
	require.Equal(t, 200, e.get("/api/book/list").status, "up returns when the targets are healthy")
	load := e.startLoad(4)
	defer load.stop()
	for _, step := range []struct {
		name   string
		change func()
	}{
		{"another node port", func() { e.setConfig("nodePort", 30081) }},
		{"new nodes", func() { e.setConfig("instanceType", "m7i.large") }},
		{"a third zone", func() { e.setConfig("availabilityZones", 3) }},
		{"two zones again", func() { e.setConfig("availabilityZones", 2) }},
		{"a group more", func() {
			e.setConfig("nodeGroups", []map[string]any{{"count": 2, "instanceTypes": []string{"m7i.large"}}, {"name": "more", "count": 2}})
		}},
		{"only that group", func() { e.setConfig("nodeGroups", []map[string]any{{"name": "more", "count": 2}}) }},
		{"a NAT gateway for each zone", func() { e.setConfig("nat", "perAz") }},
		{"pods as targets", func() { e.setConfig("targetType", "ip") }},
		{"nodes as targets", func() { e.setConfig("targetType", "instance") }},
		{"TLS to the load balancer", func() {
			e.setConfig("balancerCertificateArn", "arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012")
			e.setConfig("balancerServerName", "proxy.example.com")
		}},
		{"no TLS again", func() { e.setConfig("balancerCertificateArn", nil); e.setConfig("balancerServerName", nil) }},
	} {
		step.change()
		before := load.answered.Load()
		changes := e.up()
		require.Positive(t, changes["update"]+changes["create"]+changes["replace"], "%s is a change", step.name)
		require.Greater(t, load.answered.Load(), before, "requests were answered meanwhile")
		require.Empty(t, load.failures(), "after %s, of %d requests", step.name, load.answered.Load())
	}
	load.stop()
	require.Empty(t, load.failures())
	e.expectNoChanges()
	e.destroy()
}

// What AWS would refuse half way is refused before anything is touched, with what to do.
func TestChangesRefusedInPreview(t *testing.T) {
	e := newEnvironment(t, nil)
	e.setConfig("kubernetesVersion", "1.34")
	e.up()
	for _, c := range []struct {
		key     string
		value   any
		problem string
	}{
		{"vpcCidr", "10.8.0.0/16", "the VPC cannot change from 10.0.0.0/16 to 10.8.0.0/16"},
		{"kubernetesVersion", "1.36", `Set kubernetesVersion: "1.35" and run up, then the next`},
		{"kubernetesVersion", "1.33", `kubernetesVersion cannot go back from 1.34 to 1.33`},
	} {
		before := e.cloud.Objects()
		e.setConfig(c.key, c.value)
		preview, err := e.session.Stack.Preview(context.Background(), optpreview.SuppressProgress())
		require.Error(t, err, c.key)
		require.Contains(t, err.Error()+preview.StdOut+preview.StdErr, c.problem)
		require.Equal(t, before, e.cloud.Objects())
		e.setConfig("vpcCidr", "10.0.0.0/16")
		e.setConfig("kubernetesVersion", "1.34")
	}
	first := e.output("deploymentId")
	e.setConfig("kubernetesVersion", "1.35")
	e.editManifest("/api/author", "/api/authors")
	e.up()
	e.setConfig("stableDeployment", first)
	preview, err := e.session.Stack.Preview(context.Background(), optpreview.SuppressProgress())
	require.Error(t, err)
	require.Contains(t, err.Error()+preview.StdOut+preview.StdErr, "stableDeployment "+first+" is not the deployment of the last update")
	e.setConfig("stableDeployment", "")
	require.Equal(t, 200, e.get("/api/book/list").status)
	e.expectNoChanges()
	e.destroy()
}
