package command

import (
	"cmp"
	"context"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/apigateway-ingress/apigateway-ingress/automation/permissions"
	"github.com/apigateway-ingress/apigateway-ingress/components/location"
	"github.com/apigateway-ingress/apigateway-ingress/components/podrole"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/spf13/cobra"
)

// placement is where a policy holds.
type placement struct{ partition, region, account string }

func iamCommand(s *shared) *cobra.Command {
	var (
		deployer, reader, boundary bool
		where                      placement
	)
	command := &cobra.Command{
		Use:   "iam",
		Short: "Print the AWS permissions that are needed, as policy documents",
		Long: `iam prints the policy of the role that pods get. With --deployer it prints the policy for whoever brings the
stack up and down: the permissions for the types of resources that the stack consists of, on what is its own, and no
others. The stack must be up for that, on either target: a stack on the local target tells what the same one takes in
AWS. With --reader it is for whoever only looks: at previews and drift. IAM limits the size of a policy, so there can be
several documents, one after the other: attach all of them.

Whoever may make roles could give them any permission. So the deployer's policy allows that within a permissions
boundary only, which an administrator makes once: --boundary prints it, to be created as ` + "`" + permissions.BoundaryName + "`" + `
and named in the stack's config as permissionsBoundary.`,
		Example: `  apigw-ingress iam --account 111122223333 > pod-role.json
  apigw-ingress iam --boundary --account 111122223333 --region eu-west-1 > boundary.json
  apigw-ingress --stack local iam --deployer --account 111122223333 --region eu-west-1`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("region") || s.placed(&where) {
				where.partition = cmp.Or(where.partition, location.PartitionOf(where.region))
			}
			where.partition = cmp.Or(where.partition, "aws")
			if boundary {
				s.printf("%s", permissions.Boundary(where.partition, where.region, where.account))
				return nil
			}
			if !deployer && !reader {
				s.printf("%s", podrole.Policy(where.partition, where.region, where.account))
				return nil
			}
			documents, err := s.stackPolicies(cmd.Context(), where, reader)
			for _, text := range documents {
				s.printf("%s\n", text)
			}
			return err
		},
	}
	flags := command.Flags()
	flags.BoolVar(&deployer, "deployer", false, "print the policy for bringing the stack up and down")
	flags.BoolVar(&reader, "reader", false, "print the policy for looking at the stack")
	flags.BoolVar(&boundary, "boundary", false, "print the permissions boundary for roles of stacks")
	command.MarkFlagsMutuallyExclusive("deployer", "reader", "boundary")
	flags.StringVar(&where.account, "account", "111122223333", "AWS account in the policy")
	flags.StringVar(&where.region, "region", "us-east-1", "AWS region in the policy; by default that of the stack's config")
	flags.StringVar(&where.partition, "partition", "", "AWS partition in the policy; by default that of the region")
	return command
}

// placed takes the region from the stack's config, and says whether there is one: the verb works without a project as well.
func (s *shared) placed(where *placement) bool {
	project, err := operation.Project(s.options())
	if project == nil || err != nil {
		return false
	}
	region, found := project.Get("aws:region")
	if found {
		where.region = region
	}
	return found
}

func (s *shared) stackPolicies(ctx context.Context, where placement, reader bool) ([]string, error) {
	resources, err := operation.Resources(ctx, s.options())
	if err != nil {
		return nil, err
	}
	described := permissions.Stack{Partition: where.partition, Region: where.region, Account: where.account, ReadOnly: reader}
	for _, r := range resources {
		if r.Type == platformType {
			urn := resource.URN(r.URN)
			described.Project, described.Stack, described.Name = string(urn.Project()), string(urn.Stack()), urn.Name()
		}
		if r.Custom && strings.HasPrefix(r.Type, "aws:") {
			described.Resources = append(described.Resources, permissions.Resource{Type: r.Type, Inputs: r.Inputs})
		}
	}
	if !reader && !described.Bounded() {
		s.notice(operation.Notice{Warning: true, Text: "roles of this stack have no permissions boundary, which these policies demand: " +
			"make one of what `apigw-ingress iam --boundary` prints, and name it in the config as permissionsBoundary"})
	}
	return described.Policies()
}

const platformType = "apigateway-ingress:platform:Platform"
