// Package doctor checks everything that a stack's target needs, and says how to mend what is missing.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/apigateway-ingress/apigateway-ingress/components/proxy"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/internal/nginxprogram"
)

// Check is one prerequisite: what was found, or what is wrong and how to mend it.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Unsure is a check that could not be made, for example for want of a permission. It counts as no failure.
	Unsure bool   `json:"unsure,omitempty"`
	Found  string `json:"found,omitempty"`
	Fix    string `json:"fix,omitempty"`
}

// Examine makes every check that a stack's target needs.
func Examine(ctx context.Context, o operation.Options) []Check {
	checks := []Check{checkCLI(ctx)}
	project, _, err := operation.Settings(o)
	if err != nil {
		return append(checks, Check{Name: "config", Found: err.Error(), Fix: "docs/reference/config.md lists every key"})
	}
	checks = append(checks, Check{Name: "config", OK: true, Found: fmt.Sprintf("stack %s, target %s", project.Stack, project.Target)})
	if project.Target == engine.Local {
		return append(checks, checkLocal(ctx, o)...)
	}
	return append(checks, checkAWS(ctx, o, project)...)
}

func checkCLI(ctx context.Context) Check {
	command, err := engine.FindCommand(ctx, "")
	if err != nil {
		return Check{Name: "Pulumi CLI", Found: err.Error(), Fix: "run `make build`, or install it from https://www.pulumi.com/docs/install/"}
	}
	return Check{Name: "Pulumi CLI", OK: true, Found: fmt.Sprintf("%s at %s", command.Version(), command.Path())}
}

// checkLocal: nginx, the sample services, a state directory that can be written, and the addresses of pods.
func checkLocal(ctx context.Context, o operation.Options) []Check {
	return []Check{checkNGINX(ctx), checkStateDir(o), checkLoopback(ctx)}
}

// checkNGINX: another version than the image's answers some requests in another way, and cannot follow Services while it runs.
func checkNGINX(ctx context.Context) Check {
	path, err := nginxprogram.Find()
	if err != nil {
		return Check{Name: "nginx", Found: err.Error(), Fix: "run `make nginx`, or install it with your system's package manager"}
	}
	version, err := nginxprogram.Version(ctx, path)
	if err != nil {
		return Check{Name: "nginx", Found: err.Error(), Fix: "run `make nginx`, or name another by " + nginxprogram.Variable}
	}
	check := Check{Name: "nginx", OK: true, Found: fmt.Sprintf("%s at %s", version, path)}
	here := []int{int(version.Major), int(version.Minor)} //nolint:gosec // versions are small
	if image := nginx.ImageVersion(proxy.DefaultImage()); len(image) > 1 && !slices.Equal(image[:2], here) {
		check.Found += fmt.Sprintf(", while the proxy's image has %d.%d", image[0], image[1])
		check.Fix = "`make nginx` gets one that is as new where it can"
	}
	return check
}

// checkLoopback: each pod has a loopback address of its own, and any port of it.
func checkLoopback(ctx context.Context) Check {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.64.0.1:0")
	if err != nil {
		return Check{Name: "loopback addresses", Found: err.Error(),
			Fix: "let this user listen on ports of 127.0.0.0/8; outside Linux add the addresses to the loopback interface"}
	}
	return Check{Name: "loopback addresses", OK: true, Found: fmt.Sprintf("pods can listen, for example on %s", listener.Addr()),
		Fix: ""}.after(listener.Close())
}

// after keeps a check that was good from hiding an error.
func (c Check) after(err error) Check {
	if err != nil {
		return Check{Name: c.Name, Found: err.Error()}
	}
	return c
}

func checkStateDir(o operation.Options) Check {
	dir, err := operation.StateDir(o)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		var probe *os.File
		if probe, err = os.CreateTemp(dir, "probe"); err == nil {
			err = errors.Join(probe.Close(), os.Remove(probe.Name()))
		}
	}
	if err != nil {
		return Check{Name: "state directory", Found: err.Error(), Fix: "choose another with --state-dir"}
	}
	return Check{Name: "state directory", OK: true, Found: dir}
}
