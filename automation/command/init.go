package command

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/scaffold"
	"github.com/spf13/cobra"
)

func initCommand(s *shared) *cobra.Command {
	var (
		options    scaffold.Options
		installCLI bool
	)
	command := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Make a project that this program alone works with",
		Long: `init makes a project in DIR, which is the working directory by default: Pulumi.yaml with every config key, the stack
local for this machine, the stack dev for AWS, and a service that greets, or your own manifests. It asks nothing and
overwrites nothing.`,
		Example: `  apigw-ingress init && apigw-ingress up && apigw-ingress call /
  apigw-ingress init shop --manifests deploy --ci`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := s.projectDir
			if len(args) > 0 {
				dir = args[0]
			}
			names, err := scaffold.Write(dir, options)
			if err != nil {
				return usage(err)
			}
			return errors.Join(s.prepareCLI(cmd.Context(), installCLI),
				s.print(map[string]any{"folder": dir, "files": names}, func() { s.sayNext(dir, names) }))
		},
	}
	flags := command.Flags()
	flags.StringVar(&options.Manifests, "manifests", "", "folder or file of your own manifests, relative to DIR")
	flags.BoolVar(&options.CI, "ci", false, "add a workflow for GitHub")
	flags.BoolVar(&installCLI, "install-cli", false, "fetch the Pulumi CLI into the home directory where there is none")
	return command
}

// prepareCLI says how to get the Pulumi CLI where there is none, or fetches it.
func (s *shared) prepareCLI(ctx context.Context, install bool) error {
	_, err := engine.FindCommand(ctx, "")
	if err == nil || !install {
		if err != nil {
			s.warnf("%s, or run init with --install-cli in another folder", err)
		}
		return nil
	}
	path, err := engine.InstallCLI(ctx)
	if err != nil {
		return err
	}
	s.warnf("the Pulumi CLI is in %s", path)
	return nil
}

func (s *shared) sayNext(dir string, names []string) {
	for _, name := range names {
		s.printf("%s\n", filepath.Join(dir, name))
	}
	s.printf("\nNext, in %s:\n  %s up\n  %s call /\n  %s routes\n", dir, program(), program(), program())
}
