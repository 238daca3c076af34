package componenttest_test

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/cluster"
	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

// own are mocks of a user's: buckets are theirs, everything else is the graph's.
type own struct {
	componenttest.Graph
	buckets int
}

func (o *own) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	if args.TypeToken == "aws:s3/bucket:Bucket" {
		o.buckets++
		return "their-bucket", args.Inputs, nil
	}
	return o.Graph.NewResource(args)
}

// A program of another project, with its own resources and functions, a cluster in it, and mocks of its own.
func TestOwnMocksAndFunctions(t *testing.T) {
	mocks := &own{}
	mocks.Functions = map[string]func(resource.PropertyMap) (resource.PropertyMap, error){
		"aws:ec2/getAmi:getAmi": func(resource.PropertyMap) (resource.PropertyMap, error) {
			return resource.PropertyMap{"imageId": resource.NewStringProperty("ami-1")}, nil
		},
	}
	names := make(chan string, 1)
	program := func(ctx *pulumi.Context) error {
		if _, err := s3.NewBucket(ctx, "b", nil); err != nil {
			return err
		}
		image, err := ec2.LookupAmi(ctx, &ec2.LookupAmiArgs{})
		if err != nil {
			return err
		}
		require.Equal(t, "ami-1", image.ImageId)
		vpc := network.VPC{ID: pulumi.String("vpc-1"), PrivateSubnetIDs: pulumi.ToStringArray([]string{"subnet-1", "subnet-2"})}
		c, err := cluster.New(ctx, "c", &cluster.Args{Network: vpc})
		if err != nil {
			return err
		}
		c.Name.ApplyT(func(name string) string { names <- name; return name })
		return nil
	}
	require.NoError(t, pulumi.RunErr(componenttest.Program(program), pulumi.WithMocks("theirs", "dev", mocks)))
	require.Equal(t, 1, mocks.buckets)
	require.Equal(t, "control-plane", <-names, "eks.Cluster gives the cluster")
	require.Equal(t, "eks:index:Cluster", mocks.One(t, "eks:index:Cluster").Type)

	unknown := func(ctx *pulumi.Context) error { _, err := ec2.LookupAmi(ctx, &ec2.LookupAmiArgs{}); return err }
	require.ErrorContains(t, componenttest.TryRun(&componenttest.Graph{}, unknown),
		"knows no answer of aws:ec2/getAmi:getAmi: add one to Functions")
}
