package command

import (
	"context"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/apigateway-ingress/apigateway-ingress/automation/permissions"
	"github.com/apigateway-ingress/apigateway-ingress/components/podrole"
	"github.com/spf13/cobra"
)

// placement is where a policy holds.
type placement struct{ partition, region, account string }

func iamCommand(s *shared) *cobra.Command {
	var (
		deployer bool
		where    placement
	)
	command := &cobra.Command{
		Use:   "iam",
		Short: "Print the AWS permissions that are needed, as policy documents",
		Long: `iam prints the policy of the role that pods get. With --deployer it prints the policy for whoever brings the
stack up and down: the permissions for the types of resources that the stack consists of, and no others. The stack
must be up for that, on either target: a stack on the local target tells what the same one takes in AWS.`,
		Example: `  apigw-ingress iam --account 111122223333 > pod-role.json
  apigw-ingress --stack local iam --deployer --account 111122223333 --region eu-west-1`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !deployer {
				s.printf("%s", podrole.Policy(where.partition, where.region, where.account))
				return nil
			}
			text, err := s.deployerPolicy(cmd.Context(), where)
			if err == nil {
				s.printf("%s\n", text)
			}
			return err
		},
	}
	flags := command.Flags()
	flags.BoolVar(&deployer, "deployer", false, "print the policy for bringing the stack up and down")
	flags.StringVar(&where.account, "account", "111122223333", "AWS account in the policy")
	flags.StringVar(&where.region, "region", "us-east-1", "AWS region in the policy")
	flags.StringVar(&where.partition, "partition", "aws", "AWS partition in the policy")
	return command
}

func (s *shared) deployerPolicy(ctx context.Context, where placement) (string, error) {
	resources, err := operation.Resources(ctx, s.options())
	if err != nil {
		return "", err
	}
	var types []string
	for _, r := range resources {
		if r.Custom && strings.HasPrefix(r.Type, "aws:") {
			types = append(types, r.Type)
		}
	}
	return permissions.Policy(types, where.partition, where.region, where.account)
}
