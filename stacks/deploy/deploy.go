// Package deploy is the one program of this project: a stack's config in, a Platform out. `pulumi up` runs
// it through the main package beside it, the apigw-ingress binary as an inline program.
package deploy

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Stack is the Pulumi program.
func Stack(ctx *pulumi.Context) error { return In(ctx.RootDirectory())(ctx) }

// In is the same program for a project in another folder than the engine's.
func In(root string) pulumi.RunFunc { return With(root, nil) }

// With is In with manifests in place of the files that the config names, unless they are nil.
func With(root string, manifests *ingress.Manifests) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		written, err := writtenKeys(root, ctx.Stack())
		if err != nil {
			return err
		}
		from := source(ctx)
		from.Written = written
		s, err := ReadWith(from, root, manifests)
		if err != nil {
			return err
		}
		return inConfig(settings.In("Platform", s.declare(ctx)))
	}
}

// source is the config of the stack that runs: keys of the project's namespace, and of others such as aws:region.
func source(ctx *pulumi.Context) settings.Source {
	full := func(key string) string {
		if strings.Contains(key, ":") {
			return key
		}
		return ctx.Project() + ":" + key
	}
	return settings.Source{
		Get:    func(key string) (string, bool) { return ctx.GetConfig(full(key)) },
		Secret: func(key string) bool { return ctx.IsConfigSecret(full(key)) },
	}
}

// Tags that every resource of a stack has.
const (
	managedByTag = "managed-by"
	projectTag   = "project"
	stackTag     = "stack"
	groupTag     = "route-group"
)

// maxTags are those that the config may add: AWS takes 50 of a resource, and 10 are for the stack's own and the components'.
const maxTags = 40

func (s *Settings) declare(ctx *pulumi.Context) error {
	args := s.Platform
	if err := s.identify(ctx); err != nil {
		return err
	}
	if err := s.adopt(ctx, &args); err != nil {
		return err
	}
	tags := map[string]string{managedByTag: "apigateway-ingress", projectTag: ctx.Project(), stackTag: ctx.Stack()}
	if args.Group != "" {
		tags[groupTag] = args.Group
	}
	args.IAM.Path = fmt.Sprintf("/apigateway-ingress/%s/%s/", ctx.Project(), ctx.Stack())
	args.Tags = settings.Tags(args.Tags, tags)
	provider, err := s.certificateProvider(ctx)
	if err != nil {
		return err
	}
	args.CertificateProvider = provider
	p, err := platform.New(ctx, s.Name, &args)
	if err != nil {
		return err
	}
	url, err := domainURL(args)
	outputsOf(p, s.Region, url).export(ctx)
	return err
}

// domainURL is where the API answers under its own name; empty without one. Of the annotations the one that counts names it.
func domainURL(args platform.Args) (string, error) {
	routes, err := args.Routes()
	if err != nil {
		return "", err
	}
	domain := args.Gateway.Domain
	name := cmp.Or(domain.Name, routes.Settings.CustomDomainName)
	if name == "" || strings.HasPrefix(name, "*") {
		return "", nil
	}
	return strings.TrimSuffix("https://"+name+"/"+domain.BasePath, "/"), nil
}
