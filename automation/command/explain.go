package command

import (
	"context"

	"github.com/apigateway-ingress/apigateway-ingress/automation/explain"
	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

func explainCommand(s *shared) *cobra.Command {
	var f callFlags
	command := &cobra.Command{
		Use:   "explain REQUEST_ID | METHOD PATH",
		Short: "Say where a request ended on its way to a service, and why",
		Long: `explain says what became of a request: where on its way it ended, why, and what to do. REQUEST_ID is the header
x-amzn-RequestId of the answer; NGINX logs it, and services get it as X-Request-Id. With METHOD and PATH it
sends the request first, as call does.

It reads the API's access log, and on the local target NGINX's as well. On AWS it searches the last day of the stack's log
group in CloudWatch, where a line may come some minutes after its answer.`,
		Example: `  apigw-ingress explain GET /api/book/list
  apigw-ingress explain --unsigned POST /api/order
  apigw-ingress --stack dev explain 6f0e0a5c-7c1f-4c6e-9d39-3a9c1a3c5b0e`,
		Args: usageArgs(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, args []string) error { return s.explain(cmd.Context(), args, f) },
	}
	f.declare(command)
	return command
}

func (s *shared) explain(ctx context.Context, args []string, f callFlags) error {
	var diagnosis *explain.Diagnosis
	var err error
	if len(args) == 1 {
		diagnosis, err = operation.Explain(ctx, s.options(), args[0])
	} else {
		f.Method = args[0]
		var request operation.Request
		if request, err = s.request(args[1], f); err == nil {
			diagnosis, err = operation.ExplainCall(ctx, s.options(), request)
		}
	}
	if err != nil {
		return err
	}
	return s.print(diagnosis, func() { s.printDiagnosis(diagnosis) })
}

func (s *shared) printDiagnosis(d *explain.Diagnosis) {
	s.printf("%s %s answered %d (request %s)\n", d.Method, d.Path, d.Status, d.RequestID)
	for _, passed := range d.Steps {
		s.printf("  %-28s %s\n", passed.Step, passed.Outcome)
	}
	s.printf("why: %s\n", d.Reason)
	if d.Remedy != "" {
		s.printf("what to do: %s\n", d.Remedy)
	}
	for _, fact := range d.Evidence {
		s.printf("  %s\n", fact)
	}
}
