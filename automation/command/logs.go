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

func (s *shared) logs(part string, lines int) error {
	paths, err := operation.Logs(s.options(), part)
	for _, path := range paths {
		if err := s.printTail(path, lines); err != nil {
			return err
		}
	}
	return err
}

func (s *shared) printTail(path string, lines int) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	var last []string
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		if last = append(last, scanner.Text()); len(last) > lines {
			last = last[1:]
		}
	}
	s.printf("==> %s\n", path)
	for _, line := range last {
		s.printf("%s\n", line)
	}
	return scanner.Err()
}
