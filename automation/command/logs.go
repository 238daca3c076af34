package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/logs"
	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

// logFlags say which lines are asked for.
type logFlags struct {
	lines   int
	follow  bool
	since   time.Duration
	request string
	status  []string
	probes  bool
}

func logsCommand(s *shared) *cobra.Command {
	var f logFlags
	command := &cobra.Command{
		Use:   "logs [access | proxy | SERVICE | POD | cloud]...",
		Short: "Print a stack's logs: API Gateway's, NGINX's, the services'",
		Long: `logs prints the ends of a stack's logs, in the order of time:

  access   a line for each request that API Gateway answered
  proxy    NGINX's
  SERVICE  those of a service's pods: NAME, NAMESPACE/NAME, or svc/NAME as kubectl has it
  POD      those of pods whose names hold this text, on the local target also of pods that are gone
  cloud    the local cloud's own; only where it is named

Without names all but the last. --since, --request and --status take every line that they fit, unless --lines says how
many. With --json each line is a document: the fields of what was logged as JSON, and otherwise the line.

On AWS access logs come from CloudWatch, where a line may come some minutes after its answer and those of the last hour are
looked at (with --request those of the last day), and pods' logs from the cluster.`,
		Example: `  apigw-ingress logs
  apigw-ingress logs access --follow
  apigw-ingress logs --request 6f0e0a5c-7c1f-4c6e-9d39-3a9c1a3c5b0e
  apigw-ingress --stack production logs access proxy --since 15m --status 5xx
  apigw-ingress logs svc/bookservice -n 100 --json`,
		Args:              usageArgs(cobra.ArbitraryArgs),
		ValidArgsFunction: names(s.logNames).complete,
		RunE:              func(cmd *cobra.Command, args []string) error { return s.logs(cmd.Context(), args, f) },
	}
	flags := command.Flags()
	flags.IntVarP(&f.lines, "lines", "n", 0,
		fmt.Sprintf("number of last lines of each log (default %d, or all that --since, --request and --status fit)", operation.DefaultLogLines))
	flags.BoolVarP(&f.follow, "follow", "f", false, "go on with what is written next, until Ctrl-C")
	flags.DurationVar(&f.since, "since", 0, "only what is not older, such as 90s, 15m or 2h")
	flags.StringVar(&f.request, "request", "", "only lines that have the id of this request: the answer's header x-amzn-RequestId")
	flags.StringSliceVar(&f.status, "status", nil, "only answers with this status: 404, or 5xx for all of its kind; may be repeated")
	flags.BoolVar(&f.probes, "probes", false, "also the lines that a service logs of Kubernetes' probes")
	return command
}

func (f logFlags) filter() (logs.Filter, error) {
	status, err := logs.ParseStatus(f.status)
	if err != nil {
		err = fmt.Errorf("--status: %w", err)
	}
	if f.since < 0 {
		err = errors.Join(err, fmt.Errorf("--since: %s is not in the past", f.since))
	}
	if f.lines < 0 {
		err = errors.Join(err, fmt.Errorf("--lines: %d is less than none", f.lines))
	}
	filter := logs.Filter{RequestID: f.request, Status: status, Probes: f.probes}
	if f.since > 0 {
		filter.Since = time.Now().Add(-f.since)
	}
	return filter, usage(err)
}

func (s *shared) logs(ctx context.Context, names []string, f logFlags) error {
	filter, err := f.filter()
	if err != nil {
		return err
	}
	if f.follow {
		var done func()
		ctx, _, done = interruptible(ctx)
		defer done()
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	return operation.Logs(ctx, operation.LogOptions{
		Options: s.options(), Names: names, Lines: f.lines, Filter: filter, Follow: f.follow,
	}, func(e logs.Entry) {
		if err := s.printEntry(e); err != nil {
			// Nobody reads any more, and the error is told at the end.
			stop()
		}
	})
}

func (s *shared) printEntry(e logs.Entry) error {
	text := fmt.Sprintf("%s %s: %s", e.Log, e.Source, plain(e.Line))
	if s.json {
		encoded, err := json.Marshal(e)
		if err != nil {
			return err
		}
		text = string(encoded)
	}
	_, err := fmt.Fprintln(s.out, text)
	return err
}
