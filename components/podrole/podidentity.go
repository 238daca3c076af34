package podrole

import (
	"strings"

	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// podIdentityTrust lets EKS take the role for pods that its associations name:
// https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
const podIdentityTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Principal":{"Service":"pods.eks.amazonaws.com"}}]}`

// associations say which service accounts get the role.
func (p *PodRole) associations(ctx *pulumi.Context, role *iam.Role) error {
	for _, account := range append([]string{ServiceAccount + "/" + ServiceAccount}, p.args.ServiceAccounts...) {
		namespace, name, _ := strings.Cut(account, "/")
		if _, err := awseks.NewPodIdentityAssociation(ctx, p.name+"-"+namespace+"-"+name, &awseks.PodIdentityAssociationArgs{
			ClusterName: p.args.Cluster.Name, Namespace: pulumi.String(namespace), ServiceAccount: pulumi.String(name), RoleArn: role.Arn,
			Tags: p.args.Tags,
		}, pulumi.Parent(p)); err != nil {
			return err
		}
	}
	return nil
}
