package platform_test

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/podrole"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

// Nodes without a way to the internet start nothing that is not in ECR of their region.
func TestImagesThatNodesCannotPullAreRefused(t *testing.T) {
	const registry = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/"
	args := bookstore(t, "ingress.yaml")
	args.Location.Region = "eu-west-1"
	args.Network.NAT = network.NATNone
	args.PodRole.Mode = podrole.Kube2IAM
	args.Services[0].Image = pulumi.String("111122223333.dkr.ecr.us-east-1.amazonaws.com/books:1")
	err := args.Validate("shop")
	for _, image := range []string{
		"Proxy.Image docker.io/library/nginx:1.30.0", "Services[0].Image 111122223333.dkr.ecr.us-east-1.amazonaws.com/books:1",
		"Services[1].Image authors:1", "kube2iam",
	} {
		require.ErrorContains(t, err, "Network.NAT none: nodes cannot pull "+image)
	}
	args.PodRole.Mode = podrole.None
	args.Proxy.Image = pulumi.String(registry + "nginx:1.30.0")
	args.Services[0].Image, args.Services[1].Image = pulumi.String(registry+"books:1"), pulumi.String("")
	require.ErrorContains(t, args.Validate("shop"), "Services[1]")
	args.Services[1].Image = pulumi.String("").ToStringOutput()
	require.NoError(t, args.Validate("shop"), "what another resource gives is not known yet")
	args.Network.NAT = network.NATSingle
	args.Proxy.Image = nil
	require.NoError(t, args.Validate("shop"))
}
