package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/spf13/cobra"
)

// check is one prerequisite: what was found, or what is wrong and how to mend it.
type check struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Found string `json:"found,omitempty"`
	Fix   string `json:"fix,omitempty"`
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
		if !c.OK {
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
	mark := "ok  "
	if !c.OK {
		mark = "FAIL"
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
	return append(checks, checkAWS(ctx, project)...)
}

func checkCLI(ctx context.Context) check {
	command, err := engine.FindCommand(ctx)
	if err != nil {
		return check{Name: "Pulumi CLI", Found: err.Error(), Fix: "run `make build`, or install it from https://www.pulumi.com/docs/install/"}
	}
	return check{Name: "Pulumi CLI", OK: true, Found: fmt.Sprintf("%s at %s", command.Version(), command.Path())}
}

// checkLocal: nginx, the sample services, a state directory that can be written, and loopback addresses for pods.
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
	return []check{nginx, services, checkWritable(a.stateDir)}
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

// checkAWS: credentials, region and backend. What they may do is found out by a preview.
func checkAWS(ctx context.Context, project *engine.Project) []check {
	region, _ := project.Get("aws:region")
	where := check{Name: "region", OK: region != "", Found: region}
	if region == "" {
		where.Fix = "run `pulumi config set aws:region eu-west-1`"
	}
	credentials := check{Name: "AWS credentials", Fix: "set AWS_PROFILE, or sign in with `aws sso login`; in CI use OIDC (examples/ci)"}
	switch who, err := callerIdentity(ctx); {
	case err == nil:
		credentials = check{Name: "AWS credentials", OK: true, Found: who}
	case errors.Is(err, exec.ErrNotFound):
		credentials.Found = "the AWS CLI is not installed: it is also how a cluster is reached"
		credentials.Fix = "install it from https://docs.aws.amazon.com/cli/"
	default:
		credentials.Found = err.Error()
	}
	backend := check{Name: "Pulumi backend", Fix: "run `pulumi login` (https://www.pulumi.com/docs/concepts/state/)"}
	if who, err := engine.WhoAmI(ctx); err == nil {
		backend = check{Name: "Pulumi backend", OK: true, Found: who}
	} else {
		backend.Found = err.Error()
	}
	return []check{where, credentials, backend}
}

func callerIdentity(ctx context.Context) (string, error) {
	path, err := exec.LookPath("aws")
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, path, "sts", "get-caller-identity", "--query", "Arn", "--output", "text").CombinedOutput()
	if err != nil {
		return "", errors.New(strings.TrimSpace(string(out)))
	}
	return strings.TrimSpace(string(out)), nil
}
