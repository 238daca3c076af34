package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/spf13/cobra"
)

func devCommand(s *shared) *cobra.Command {
	var down bool
	command := &cobra.Command{
		Use:   "dev",
		Short: "Bring a stack of this machine up, and again with each file that is saved",
		Long: `dev brings a stack of the local target up and watches its config, its manifests, and the files that the commands of
localImages name. A change is made live, and dev prints which routes were added, removed and changed, and how long it
took. What cannot be brought up is printed, and the stack serves on as it was. Requests are lines of the access log.

Ctrl-C leaves the stack up, and with --down takes it down. With --json each event is a line.`,
		Example: `  apigw-ingress dev
  apigw-ingress dev --down
  apigw-ingress dev --json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: verb(func(ctx context.Context) error { return s.dev(ctx, down) }),
	}
	command.Flags().BoolVar(&down, "down", false, "take the stack down at the end")
	return command
}

func (s *shared) dev(ctx context.Context, down bool) error {
	o := s.follow(pastTense)
	told := o.OnEvent
	o.OnEvent = func(event operation.Event) {
		switch e := event.(type) {
		case operation.Watching:
			s.devLine("watching", e, "\nStack %s is up: %s\nWatching %s. Ctrl-C %s.\n\n", e.Stack, endpointText(e.Result),
				strings.Join(e.Files, ", "), map[bool]string{false: "leaves the stack up", true: "takes the stack down"}[down])
		case operation.Reloaded:
			s.devLine("reloaded", e, "%s", reloadedText(e))
		case operation.ReloadFailed:
			s.devLine("failed", e, "failed: %s\n", strings.ReplaceAll(plain(strings.TrimSpace(e.Err.Error())), "\n", "\n  "))
		case operation.Accessed:
			s.devLine("access", e, "%s %s\n", e.Time.Local().Format("15:04:05"), plain(e.Answer()))
		default:
			told(event)
		}
	}
	interrupted, giveUp, _, goOn := interruptions(ctx)
	o.GiveUp = giveUp
	err := operation.Dev(interrupted, o)
	goOn()
	if err != nil || !down {
		return err
	}
	return s.destroy(ctx, destroyFlags{})
}

func endpointText(r *operation.Result) string {
	endpoint, _ := endpointOf(r)
	return endpoint
}

// devLine prints what happened, for machines or for people.
func (s *shared) devLine(name string, event operation.Event, format string, args ...any) {
	if !s.json {
		s.printf(format, args...)
		return
	}
	line := devJSON{Event: name}
	switch e := event.(type) {
	case operation.Watching:
		line.Files, line.Endpoint = e.Files, endpointText(e.Result)
	case operation.Reloaded:
		line.Routes, line.Programs, line.Changes, line.DurationSeconds = &e.Routes, e.Programs, e.Changes, e.Took.Seconds()
	case operation.ReloadFailed:
		line.Error = e.Err.Error()
	case operation.Accessed:
		line.Access = e.Fields
	}
	s.printLine(line)
}

// devJSON is an event of dev for machines.
type devJSON struct {
	// Event is watching, reloaded, failed or access.
	Event           string         `json:"event"`
	Endpoint        string         `json:"endpoint,omitempty"`
	Files           []string       `json:"files,omitempty"`
	Routes          *route.Changes `json:"routes,omitempty"`
	Programs        []string       `json:"programs,omitempty"`
	Changes         map[string]int `json:"changes,omitempty"`
	DurationSeconds float64        `json:"durationSeconds,omitempty"`
	Error           string         `json:"error,omitempty"`
	Access          map[string]any `json:"access,omitempty"`
}

func reloadedText(e operation.Reloaded) string {
	var b strings.Builder
	fmt.Fprintf(&b, "live after %.1f s: %s\n", e.Took.Seconds(), e.Changes.Done())
	for _, kind := range []struct {
		sign string
		rows []route.Row
	}{{"+", e.Routes.Added}, {"-", e.Routes.Removed}, {"~", e.Routes.Changed}} {
		for _, r := range kind.rows {
			fmt.Fprintf(&b, "  %s %s %s%s to %s/%s (%s, %s)\n", kind.sign, strings.Join(r.Methods, ","), strings.TrimPrefix(r.Host, "*"), r.Path,
				r.Namespace, r.Service, r.PathType, r.Auth)
		}
	}
	for _, image := range e.Programs {
		fmt.Fprintf(&b, "  ~ pods of %s run the changed program\n", image)
	}
	for _, way := range e.WeakerAccess {
		fmt.Fprintf(&b, "  !! weaker access: %s\n", way)
	}
	return plain(b.String())
}
