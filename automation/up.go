package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/awscloud"
	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/spf13/cobra"
)

func (a *app) upCommand() *cobra.Command {
	var (
		flags operationFlags
		plan  string
	)
	command := &cobra.Command{
		Use:   "up",
		Short: "Bring a stack up, or change it to what its config says",
		Long: `up makes a stack what its config says. An earlier operation that was cut off is mended first. With --plan the
changes must be those of a plan that preview --save-plan wrote; anything else fails.`,
		Example: `  apigw-ingress up
  apigw-ingress up --stack production --json
  apigw-ingress up --stack production --plan plan.json --summary summary.md`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.up(cmd.Context(), plan, flags) },
	}
	command.Flags().StringVar(&plan, "plan", "", "make the changes of this plan and no others")
	addSummary(command, &flags)
	return command
}

func addSummary(command *cobra.Command, flags *operationFlags) {
	command.Flags().StringVar(&flags.summary, "summary", "", "write a report in Markdown to this file")
}

func (a *app) up(ctx context.Context, plan string, flags operationFlags) error {
	project, err := a.validProject()
	if err != nil {
		return err
	}
	o, err := a.operate(ctx, "up", project, true, func(o *operation) error {
		if err := a.clearFailed(ctx, o); err != nil {
			return err
		}
		pack, err := a.usePolicies(o.session)
		if err != nil {
			return err
		}
		options := []optup.Option{optup.PolicyPacks(pack), optup.ProgressStreams(a.progress()), optup.ErrorProgressStreams(a.errOut), optup.EventStreams(o.events()), optup.UserAgent(userAgent)}
		if plan != "" {
			options = append(options, optup.Plan(absolute(plan)))
		}
		_, err = o.session.Updates.Up(ctx, options...)
		return err
	})
	if err != nil {
		return err
	}
	o.outputs = o.watcher.outputs
	finished := a.finish(o, flags, func() { a.summarizeUp(project, o.outputs, o.changes, time.Since(o.started)) })
	return errors.Join(finished, a.checkPolicies(ctx, o.session))
}

// checkPolicies reads the resource policy that is in force back from AWS: it decides who gets in, and API Gateway has
// been seen to lose it while a definition is imported.
func (a *app) checkPolicies(ctx context.Context, session *engine.Session) error {
	if session.Project.Target != engine.AWS {
		return nil
	}
	resources, err := session.Resources(ctx)
	if err != nil {
		return err
	}
	account, err := connect(ctx, session.Project)
	if err == nil {
		err = account.CheckPolicies(ctx, resources)
	}
	if errors.Is(err, awscloud.ErrPolicy) {
		return withCode(exitUnhealthy, err)
	}
	if err != nil {
		fmt.Fprintf(a.errOut, "warning: %s\n", err)
	}
	return nil
}

// absolute is a path for the CLI, which works in another folder.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

func (a *app) summarizeUp(project *engine.Project, outputs auto.OutputMap, changes map[string]int, duration time.Duration) {
	endpoint, _ := outputs["apiEndpoint"].Value.(string)
	region, _ := outputs["region"].Value.(string)
	self := a.commandName()
	fmt.Fprintf(a.out, "\nStack %s is up on target %s after %.1f s: %s.\n\n  %s\n\nTry:\n", a.stack, project.Target, duration.Seconds(), describeChanges(changes), endpoint)
	fmt.Fprintf(a.out, "  %s call /api/book/list\n", self)
	fmt.Fprintf(a.out, "  curl --aws-sigv4 aws:amz:%s:execute-api --user \"$(%s outputs clientAccessKeyId):$(%s outputs --show-secrets clientSecretAccessKey)\" %s/api/author/list\n", region, self, self, endpoint)
	fmt.Fprintf(a.out, "  %s status\n", self)
}

// commandName is how the user can call this program again.
func (a *app) commandName() string {
	name := os.Args[0]
	if !strings.Contains(name, string(filepath.Separator)) {
		name = "apigw-ingress"
	}
	if a.stack != "local" {
		name += " --stack " + a.stack
	}
	return name
}
