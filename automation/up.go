package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/spf13/cobra"
)

const userAgent = "apigw-ingress"

// result is what --json prints after an operation that changes things.
type result struct {
	Stack           string         `json:"stack"`
	Target          engine.Target  `json:"target"`
	Operation       string         `json:"operation"`
	Changes         map[string]int `json:"changes"`
	DurationSeconds float64        `json:"durationSeconds"`
	Outputs         map[string]any `json:"outputs,omitempty"`
}

func (a *app) upCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "up",
		Short: "Bring a stack up, or change it to what its config says",
		Example: `  apigw-ingress up
  apigw-ingress up --stack production --json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.up(cmd.Context()) },
	}
}

func (a *app) up(ctx context.Context) error {
	started := time.Now()
	project, err := a.validProject()
	if err != nil {
		return err
	}
	session, err := a.session(ctx, project, true)
	if err != nil {
		return err
	}
	done := a.interruptible(session.Command)
	defer done()
	if err := a.recover(ctx, session); err != nil {
		return err
	}
	up, err := session.Stack.Up(ctx, optup.ProgressStreams(a.progress()), optup.ErrorProgressStreams(a.errOut), optup.UserAgent(userAgent))
	if err != nil {
		return classify(err, session.Command)
	}
	changes := map[string]int{}
	if up.Summary.ResourceChanges != nil {
		changes = *up.Summary.ResourceChanges
	}
	duration := time.Since(started)
	if a.json {
		return a.printJSON(result{a.stack, project.Target, "up", changes, duration.Seconds(), plainOutputs(up.Outputs, false)})
	}
	a.summarizeUp(project, up.Outputs, changes, duration)
	return nil
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

// changeNames are the engine's operations in the order in which people care, and their words.
var changeNames = []struct{ op, word string }{
	{"create", "created"}, {"update", "updated"}, {"replace", "replaced"}, {"delete", "deleted"}, {"same", "unchanged"},
}

func describeChanges(changes map[string]int) string {
	var parts []string
	for _, name := range changeNames {
		if n := changes[name.op]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, name.word))
		}
	}
	if len(parts) == 0 {
		return "nothing to do"
	}
	return strings.Join(parts, ", ")
}
