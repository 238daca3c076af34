package report

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEstimate(t *testing.T) {
	e := Cost([]Step{
		{Type: "aws:eks/cluster:Cluster"},
		{Type: "aws:ec2/natGateway:NatGateway"}, {Type: "aws:ec2/natGateway:NatGateway"},
		{Type: "aws:eks/nodeGroup:NodeGroup", Inputs: map[string]any{"instanceTypes": []any{"t3.medium"},
			"scalingConfig": map[string]any{"desiredSize": 3.0}}},
		{Type: "aws:ec2/vpcEndpoint:VpcEndpoint", Inputs: map[string]any{"vpcEndpointType": "Gateway"}},
		{Type: "aws:ec2/vpc:Vpc"},
	})
	require.InDelta(t, 730*(0.10+2*0.045+3*0.0416)+3*20*0.08, e.MonthlyUSD, 0.001)
	require.Equal(t, "node t3.medium", e.Items[0].What, "the dearest first")
	require.Empty(t, e.Unknown)
	require.NotEmpty(t, e.AsOf)

	unknown := Cost([]Step{{Type: "aws:eks/nodeGroup:NodeGroup",
		Inputs: map[string]any{"instanceTypes": []any{"x9.huge"}, "scalingConfig": map[string]any{"desiredSize": 2.0}}}})
	require.Equal(t, []string{"2 nodes of type x9.huge"}, unknown.Unknown)
}
