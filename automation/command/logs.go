package command

import (
	"bufio"
	"os"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

func logsCommand(s *shared) *cobra.Command {
	var lines int
	command := &cobra.Command{
		Use:   "logs [PART OF A NAME]",
		Short: "Print logs of the local target: pods, access logs, the local cloud itself",
		Long: `logs prints the last lines of each log whose name holds the given text: those of pods, of the APIs' access logs,
and of the local cloud itself. On AWS access logs are in CloudWatch, and pods' with kubectl.`,
		Example: `  apigw-ingress logs
  apigw-ingress logs proxy --lines 100`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			part := ""
			if len(args) > 0 {
				part = args[0]
			}
			return s.logs(part, lines)
		},
	}
	command.Flags().IntVarP(&lines, "lines", "n", 10, "number of last lines of each log")
	return command
}

// logJSON is the end of a log for machines.
type logJSON struct {
	File  string   `json:"file"`
	Lines []string `json:"lines"`
}

func (s *shared) logs(part string, lines int) error {
	paths, err := operation.Logs(s.options(), part)
	if err != nil {
		return err
	}
	var logs []logJSON
	for _, path := range paths {
		last, err := tail(path, lines)
		if err != nil {
			return err
		}
		logs = append(logs, logJSON{path, last})
	}
	return s.print(logs, func() {
		for _, log := range logs {
			s.printf("==> %s\n", log.File)
			for _, line := range log.Lines {
				s.printf("%s\n", line)
			}
		}
	})
}

// tail are the last lines of a file.
func tail(path string, lines int) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	last := []string{}
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		if last = append(last, scanner.Text()); len(last) > lines {
			last = last[1:]
		}
	}
	return last, scanner.Err()
}
