package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/spf13/cobra"
)

// check is one prerequisite: what was found, or what is wrong and how to mend it.
type check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Unsure is a check that could not be made, for example for want of a permission. It counts as no failure.
	Unsure bool   `json:"unsure,omitempty"`
	Found  string `json:"found,omitempty"`
	Fix    string `json:"fix,omitempty"`
}

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check everything that a stack's target needs, and say how to mend what is missing",
		Example: `  apigw-ingress doctor
  apigw-ingress --stack production doctor --json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context()) },
	}
}

func (a *app) doctor(ctx context.Context) error {
	checks := a.diagnose(ctx)
	if a.json {
		if err := a.printJSON(checks); err != nil {
			return err
		}
	}
	bad := 0
	for _, c := range checks {
		if !c.OK && !c.Unsure {
			bad++
		}
		if !a.json {
			a.printCheck(c)
		}
	}
	if bad > 0 {
		return withCode(exitPrerequisite, fmt.Errorf("%d of %d checks failed", bad, len(checks)))
	}
	return nil
}

func (a *app) printCheck(c check) {
	mark := "FAIL"
	switch {
	case c.OK:
		mark = "ok  "
	case c.Unsure:
		mark = "?   "
	}
	fmt.Fprintf(a.out, "%s  %-18s %s\n", mark, c.Name, strings.ReplaceAll(c.Found, "\n", "; "))
	if c.Fix != "" {
		fmt.Fprintf(a.out, "      %-18s %s\n", "", c.Fix)
	}
}

func (a *app) diagnose(ctx context.Context) []check {
	checks := []check{checkCLI(ctx)}
	project, err := a.validProject()
	if err != nil {
		return append(checks, check{Name: "config", Found: err.Error(), Fix: "docs/config.md lists every key"})
	}
	checks = append(checks, check{Name: "config", OK: true, Found: fmt.Sprintf("stack %s, target %s", a.stack, project.Target)})
	if project.Target == engine.Local {
		return append(checks, a.checkLocal(ctx)...)
	}
	return append(checks, a.checkAWS(ctx, project)...)
}

func checkCLI(ctx context.Context) check {
	command, err := engine.FindCommand(ctx, "")
	if err != nil {
		return check{Name: "Pulumi CLI", Found: err.Error(), Fix: "run `make build`, or install it from https://www.pulumi.com/docs/install/"}
	}
	return check{Name: "Pulumi CLI", OK: true, Found: fmt.Sprintf("%s at %s", command.Version(), command.Path())}
}

// checkLocal: nginx, the sample services, a state directory that can be written, and the addresses of pods.
func (a *app) checkLocal(ctx context.Context) []check {
	nginx := check{Name: "nginx", Fix: "install it: apt-get install nginx-light, or with your system's package manager"}
	for _, name := range []string{"nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		// It prints its version on standard error.
		out, err := exec.CommandContext(ctx, path, "-v").CombinedOutput()
		if err == nil {
			nginx = check{Name: "nginx", OK: true, Found: strings.TrimSpace(string(out)) + " at " + path}
			break
		}
	}
	services := check{Name: "sample services", Fix: "run `make build`"}
	self, _, err := identifySelf()
	if _, statErr := os.Stat(filepath.Join(filepath.Dir(self), "books")); err == nil && statErr == nil {
		services = check{Name: "sample services", OK: true, Found: "beside the binary"}
	}
	return []check{nginx, services, checkWritable(a.stateDir), checkLoopback(ctx)}
}

// checkLoopback: each pod has a loopback address of its own, and any port of it.
func checkLoopback(ctx context.Context) check {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.64.0.1:0")
	if err != nil {
		return check{Name: "loopback addresses", Found: err.Error(), Fix: "let this user listen on ports of 127.0.0.0/8; outside Linux add the addresses to the loopback interface"}
	}
	return check{Name: "loopback addresses", OK: true, Found: fmt.Sprintf("pods can listen, for example on %s", listener.Addr()), Fix: ""}.after(listener.Close())
}

// after keeps a check that was good from hiding an error.
func (c check) after(err error) check {
	if err != nil {
		return check{Name: c.Name, Found: err.Error()}
	}
	return c
}

func checkWritable(dir string) check {
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		var probe *os.File
		if probe, err = os.CreateTemp(dir, "probe"); err == nil {
			err = errors.Join(probe.Close(), os.Remove(probe.Name()))
		}
	}
	if err != nil {
		return check{Name: "state directory", Found: err.Error(), Fix: "choose another with --state-dir"}
	}
	return check{Name: "state directory", OK: true, Found: dir}
}
