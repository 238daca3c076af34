package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/spf13/cobra"
)

func (a *app) gcCommand() *cobra.Command {
	var olderThan time.Duration
	command := &cobra.Command{
		Use:   "gc",
		Short: "Destroy ephemeral stacks whose time is over",
		Long: `gc destroys and removes the ephemeral stacks of the project whose time to live is over, or which are older than
--older-than. Other stacks are never touched. --stack names the stack whose config says where the backend is.`,
		Example: `  apigw-ingress --stack preview gc
  apigw-ingress --stack preview gc --older-than 24h`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.collect(cmd.Context(), olderThan) },
	}
	command.Flags().DurationVar(&olderThan, "older-than", 0, "destroy ephemeral stacks of this age as well")
	return command
}

// expired is an ephemeral stack that may go.
type expired struct {
	Stack   string    `json:"stack"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
}

func (a *app) collect(ctx context.Context, olderThan time.Duration) error {
	project, err := a.validProject()
	if err != nil {
		return err
	}
	session, err := a.session(ctx, project, true)
	if err != nil {
		return err
	}
	found, err := expiredStacks(ctx, session, olderThan, time.Now())
	if err != nil {
		return err
	}
	var problems []error
	for _, e := range found {
		if err := a.destroyExpired(ctx, project, e); err != nil {
			problems = append(problems, fmt.Errorf("stack %s: %w", e.Stack, err))
		}
	}
	if a.json {
		problems = append(problems, a.printJSON(found))
	} else {
		fmt.Fprintf(a.out, "%d ephemeral stacks were over.\n", len(found))
	}
	return errors.Join(append(problems, a.stopIdleCloud(ctx, project))...)
}

func expiredStacks(ctx context.Context, session *engine.Session, olderThan time.Duration, now time.Time) ([]expired, error) {
	workspace := session.Stack.Workspace()
	stacks, err := workspace.ListStacks(ctx)
	if err != nil {
		return nil, err
	}
	found := []expired{}
	for _, s := range stacks {
		tags, err := workspace.ListTags(ctx, s.Name)
		if err != nil {
			return nil, fmt.Errorf("tags of stack %s: %w", s.Name, err)
		}
		created, createdErr := time.Parse(time.RFC3339, tags[createdTag])
		expires, expiresErr := time.Parse(time.RFC3339, tags[expiresTag])
		if createdErr != nil || expiresErr != nil {
			// It is not one of ours.
			continue
		}
		if now.After(expires) || olderThan > 0 && now.Sub(created) > olderThan {
			found = append(found, expired{s.Name, created, expires})
		}
	}
	return found, nil
}

// destroyExpired borrows the config of the stack that gc was called with, where the stack's own is gone.
func (a *app) destroyExpired(ctx context.Context, base *engine.Project, e expired) error {
	config := filepath.Join(base.Root, "Pulumi."+e.Stack+".yaml")
	if _, err := os.Stat(config); errors.Is(err, os.ErrNotExist) {
		if err := engine.CopyConfig(base.Root, a.stack, e.Stack, nil); err != nil {
			return err
		}
		defer func() {
			// The stack is what matters; its borrowed config is a file of a few lines.
			_ = removeConfig(config)
		}()
	}
	fmt.Fprintf(a.errOut, "Destroying stack %s of %s.\n", e.Stack, e.Created.Local().Format(time.DateTime))
	other := *a
	other.stack, other.out, other.json = e.Stack, a.errOut, false
	return other.destroy(ctx, destroyFlags{yes: true, remove: true})
}
