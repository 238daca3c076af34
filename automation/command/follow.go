package command

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/apigateway-ingress/apigateway-ingress/automation/report"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// words are how a finished step is told of. Steps without one are not worth a line.
type words map[string]string

var (
	pastTense = words{
		"create": "created", "update": "updated", "delete": "deleted", "replace": "replaced",
		"create-replacement": "created replacement of", "delete-replaced": "deleted replaced", "refresh": "refreshed",
	}
	// future is what a preview says.
	future = words{"create": "create", "update": "update", "delete": "delete", "replace": "replace"}
)

// follow gives an operation's options what it takes to tell of its events. On a terminal the engine draws them; elsewhere
// each finished resource is a line, and with --json each event of the engine is one.
func (s *shared) follow(told words) operation.Options {
	o := s.options()
	drawn := !s.json && onTerminal(s.stdout)
	if drawn {
		o.Progress = s.stdout
	}
	o.OnEvent = func(event operation.Event) {
		switch e := event.(type) {
		case operation.Notice:
			s.notice(e)
		case operation.Stopping:
			s.stopping(e)
		case operation.EngineEvent:
			if s.json {
				s.printLine(e.EngineEvent)
			}
		case operation.Downloading:
			if !s.json && !drawn {
				s.printf("%s\n", e.Text)
			}
		case operation.StepEnded:
			if word := told[e.Op]; word != "" && !s.json && !drawn {
				s.printf("%-8s %s %s%s\n", word, e.Type, e.Name(), map[bool]string{true: " FAILED"}[e.Failed])
			}
		}
	}
	return o
}

func (s *shared) stopping(e operation.Stopping) {
	list := ""
	for _, step := range e.InFlight {
		list += "  " + step + "\n"
	}
	if e.AtOnce {
		fmt.Fprintf(s.errOut, "Giving up. These may be left over; the next `%s up` or `destroy` mends what it can:\n%s", s.self(), list)
		return
	}
	fmt.Fprintf(s.errOut, "Stopping when the operations in flight have ended; once more gives up at once.\n%s", list)
}

// printLine prints one of several JSON documents.
func (s *shared) printLine(value any) {
	if encoded, err := json.Marshal(value); err == nil {
		s.printf("%s\n", encoded)
	}
}

// result is the last line that --json prints for an operation.
type result struct {
	Stack string `json:"stack"`
	// Target is empty where the config could not be read.
	Target          engine.Target  `json:"target"`
	Operation       string         `json:"operation"`
	Changes         report.Changes `json:"changes"`
	DurationSeconds float64        `json:"durationSeconds"`
	// WeakerAccess says in which ways the API would let in, or lets in, more than before.
	WeakerAccess []string       `json:"weakerAccess"`
	Outputs      map[string]any `json:"outputs,omitempty"`
	// Error is why the operation is not complete.
	Error string `json:"error,omitempty"`
}

// finish prints what an operation did, for machines or through text for people, and writes a summary to a file, unless its
// name is empty: whatever became of the operation. It returns the operation's error, or its own.
func (s *shared) finish(verb string, r *operation.Result, err error, summary string, text func()) error {
	if r == nil {
		// It failed before it began. Whoever reads what an operation writes must not take what an earlier one wrote for it.
		r = &operation.Result{Operation: verb, Stack: s.stack, Changes: report.Changes{}}
	}
	told := r.Summary()
	if err != nil {
		told.Failure = err.Error()
	}
	if s.json {
		line := result{r.Stack, r.Target, r.Operation, r.Changes, r.Took.Seconds(), append([]string{}, r.WeakerAccess...), nil, told.Failure}
		if r.Outputs != nil {
			line.Outputs = plainOutputs(r.Outputs, false)
		}
		s.printLine(line)
	} else {
		s.warnOfWeakerAccess(r)
		if r.Complete {
			text()
		}
	}
	if summary == "" {
		return err
	}
	return join(os.WriteFile(summary, []byte(told.Markdown()), 0o600), err)
}

// warnOfWeakerAccess comes before everything else that is said of an operation.
func (s *shared) warnOfWeakerAccess(r *operation.Result) {
	if len(r.WeakerAccess) == 0 {
		return
	}
	s.printf("\n!! WEAKER ACCESS: this lets in more than what was deployed:\n")
	for _, way := range r.WeakerAccess {
		s.printf("!!   %s\n", way)
	}
}

func addFailOnWeaker(command *cobra.Command, fail *bool) {
	command.Flags().BoolVar(fail, "fail-on-weaker-access", false,
		"exit with 9 when the API would let in more than what is deployed does: a caller more, less authentication, another namespace's services")
}

func addSummary(command *cobra.Command, summary *string) {
	command.Flags().StringVar(summary, "summary", "", "write a report in Markdown to this file")
}

// onTerminal says whether somebody watches.
func onTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) && os.Getenv("CI") == "" //nolint:gosec // a descriptor fits an int
}

func endpointOf(r *operation.Result) (endpoint, region string) {
	endpoint, _ = r.Outputs["apiEndpoint"].Value.(string)
	region, _ = r.Outputs["region"].Value.(string)
	return strings.TrimSpace(endpoint), region
}
