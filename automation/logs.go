package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/daemon"
	"github.com/spf13/cobra"
)

func (a *app) logsCommand() *cobra.Command {
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
			return a.logs(part, lines)
		},
	}
	command.Flags().IntVarP(&lines, "lines", "n", 10, "number of last lines of each log")
	return command
}

func (a *app) logs(part string, lines int) error {
	project, err := a.openProject()
	if err != nil {
		return err
	}
	if project.Target != engine.Local {
		return withCode(exitUsage, errors.New("logs are those of the local target: on AWS look at the stack's log group in CloudWatch, and at pods with kubectl logs"))
	}
	pods, podsErr := filepath.Glob(filepath.Join(a.stateDir, "pods", "*.log"))
	others, othersErr := filepath.Glob(filepath.Join(filepath.Dir(daemon.LogPath(a.stateDir)), "*.log"))
	if err := errors.Join(podsErr, othersErr); err != nil {
		return err
	}
	found := false
	for _, path := range append(others, pods...) {
		if !strings.Contains(filepath.Base(path), part) {
			continue
		}
		found = true
		if err := a.printTail(path, lines); err != nil {
			return err
		}
	}
	if !found {
		return withCode(exitUsage, fmt.Errorf("there is no log whose name holds %q", part))
	}
	return nil
}

func (a *app) printTail(path string, lines int) error {
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
	fmt.Fprintf(a.out, "==> %s\n", path)
	for _, line := range last {
		fmt.Fprintln(a.out, line)
	}
	return scanner.Err()
}
