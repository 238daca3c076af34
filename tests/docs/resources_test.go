package docs

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/automation/report"
	"github.com/apigateway-ingress/apigateway-ingress/components/cluster"
	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/apigateway-ingress/apigateway-ingress/components/podrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

// controlPlane is made by the component of pulumi-eks, which does not run here.
const controlPlane = "aws:eks/cluster:Cluster"

// docs/reference/resources.md lists every type of resource of AWS, how many a small stack has of each, and the price.
func TestResourcesPage(t *testing.T) {
	fresh, existing := counts(newCluster(t)), counts(existingCluster(t))
	fresh[controlPlane] = 1
	var b strings.Builder
	fmt.Fprintf(&b, "# Resources in your AWS account\n\nEach type of resource that a stack can have. The numbers are those of the bookstore: "+
		"two Services behind one Ingress, in a new cluster, and in an existing one "+
		"(`clusterName`) without a pod role. They do not grow with the "+
		"routes, and leave out what pulumi-eks makes around the control plane: a role, an OIDC provider, add-ons. A blank is a type "+
		"that a config key asks for. Every resource that can have tags has `managed-by`, `project` and `stack`.\n\n"+
		"Prices are list prices in %s of %s, in USD a month, without what is charged for use.\n\n"+
		"| type | new cluster | existing cluster | price |\n| --- | --- | --- | --- |\n", prices(t).Region, prices(t).AsOf)
	for _, token := range slices.Sorted(slices.Values(awsrules.Tokens())) {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", token, number(fresh[token]), number(existing[token]), price(t, token))
	}
	page(t, "reference/resources.md", b.String())
}

// The prices on the first page are those that the verb cost computes.
func TestCostOnTheIndexPage(t *testing.T) {
	index := read(t, "docs/index.md")
	steps := append(newCluster(t), report.Step{Type: controlPlane})
	fresh, existing := report.Cost(steps), report.Cost(existingCluster(t))
	require.Empty(t, fresh.Unknown)
	byName := map[string]float64{}
	for _, item := range fresh.Items {
		byName[item.What] = item.MonthlyUSD
	}
	for _, row := range []string{
		fmt.Sprintf("| EKS control plane | %d USD | |", dollars(byName["EKS control plane"])),
		fmt.Sprintf("| 3 nodes t3.medium with disks | %d USD | |", dollars(byName["node t3.medium"]+byName["node disk of 20 GB"])),
		fmt.Sprintf("| NAT gateway with address | %d USD | |", dollars(byName["NAT gateway"]+byName["public IPv4 address"])),
		fmt.Sprintf("| Network Load Balancer | %d USD | %d USD |", dollars(byName["Network Load Balancer"]),
			dollars(existing.MonthlyUSD)),
		fmt.Sprintf("| **sum** | **%d USD** | **%d USD** |", dollars(fresh.MonthlyUSD), dollars(existing.MonthlyUSD)),
		fmt.Sprintf("Requests cost %.2f USD a million", prices(t).PerMillionRequests),
	} {
		require.Contains(t, index, row)
	}
}

func dollars(price float64) int { return int(math.Round(price)) }

func newCluster(t *testing.T) []report.Step {
	t.Helper()
	return declared(t, platform.Args{Services: []platform.Service{
		{Name: "bookservice", Spec: platform.Spec{Image: pulumi.String("registry.example.com/books:1.0"), Port: 80}},
		{Name: "authorservice", Spec: platform.Spec{Image: pulumi.String("registry.example.com/authors:1.0"), Port: 80}},
	}})
}

func existingCluster(t *testing.T) []report.Step {
	t.Helper()
	vpc := network.VPC{ID: pulumi.String("vpc-1"), CIDR: pulumi.String("10.0.0.0/16"),
		PrivateSubnetIDs: pulumi.ToStringArray([]string{"subnet-a", "subnet-b"})}
	there := cluster.Existing{Name: pulumi.String("prod"), Kubeconfig: pulumi.String("{}")}
	there.Nodes.SecurityGroupID = pulumi.String("sg-nodes")
	there.Nodes.AutoScalingGroups = pulumi.StringMap{"": pulumi.String("asg")}
	return declared(t, platform.Args{
		Services: []platform.Service{{Name: "bookservice", Spec: platform.Spec{Port: 80}}, {Name: "authorservice", Spec: platform.Spec{Port: 80}}},
		Network:  network.Settings{Existing: &vpc}, Cluster: cluster.Settings{Existing: &there},
		PodRole: podrole.Settings{Mode: podrole.None},
	})
}

func declared(t *testing.T, args platform.Args) []report.Step {
	t.Helper()
	manifests, err := ingress.Parse("ingress.yaml", []byte(read(t, "examples/bookstore/ingress.yaml")))
	require.NoError(t, err)
	args.Manifests = manifests
	args.Gateway.Access.ClientARNs = pulumi.ToStringArray([]string{"arn:aws:iam::111122223333:role/orders"})
	graph := componenttest.Run(t, func(ctx *pulumi.Context) error {
		_, err := platform.New(ctx, "bookstore", &args)
		return err
	})
	var steps []report.Step
	for _, r := range graph.Resources() {
		if strings.HasPrefix(r.Type, "aws:") {
			steps = append(steps, report.Step{Type: r.Type, Inputs: r.Inputs})
		}
	}
	return steps
}

func counts(steps []report.Step) map[string]int {
	numbers := map[string]int{}
	for _, s := range steps {
		numbers[s.Type]++
	}
	return numbers
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

type priceTable struct {
	Region, AsOf       string
	PerMillionRequests float64
	Free, ByUse        []string
}

func prices(t *testing.T) priceTable {
	t.Helper()
	var table priceTable
	require.NoError(t, json.Unmarshal([]byte(read(t, "automation/report/prices.json")), &table))
	return table
}

func price(t *testing.T, token string) string {
	t.Helper()
	table := prices(t)
	switch {
	case slices.Contains(table.Free, token):
		return "free"
	case slices.Contains(table.ByUse, token):
		return "by use"
	case token == "aws:eks/nodeGroup:NodeGroup":
		return "by its instances"
	case token == "aws:ec2/vpcEndpoint:VpcEndpoint":
		return fmt.Sprintf("free for S3; an interface endpoint %s a zone", unit(token))
	case token == "aws:apigateway/stage:Stage":
		return "free; a cache costs by its size"
	}
	return unit(token)
}

func unit(token string) string {
	inputs := map[string]any{"vpcEndpointType": "Interface"}
	return fmt.Sprintf("%.2f", report.Cost([]report.Step{{Type: token, Inputs: inputs}}).Items[0].UnitUSD)
}
