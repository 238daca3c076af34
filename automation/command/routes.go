package command

import (
	"cmp"
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/openapi"
	"github.com/spf13/cobra"
)

// routesFlags are what routes prints, and what manifests refer to when no stack says it.
type routesFlags struct {
	openAPI, nginx bool
	domains        []string
	group, owner   string
	// classless and ignoreForeign are what the stack's config says under classless and ignoreForeignAnnotations.
	classless, ignoreForeign, allowOverlaps bool
}

func routesCommand(s *shared) *cobra.Command {
	var flags routesFlags
	command := &cobra.Command{
		Use:   "routes [FILE|DIR|-]...",
		Short: "Check Ingress manifests and print the routes that they make",
		Long: `routes reads Ingress manifests, checks them, and prints the routes, or the documents that are made of them. It
needs no cloud. Without arguments it reads what the stack's config names, and knows the stack's services; otherwise
every service is taken to exist, and the manifests' own Services say which number a named port has.

Where there is more to say, a report follows: which Ingresses are served, served with notices, refused and what to do about
it, or not ours. The routes are then those of the Ingresses that are not refused, although up takes all of them or none.
With an Ingress that is refused, or without any that is ours, the exit code is 2.`,
		Example: `  apigw-ingress routes
  apigw-ingress routes ingress.yaml more/ --json
  kubectl get ingress -A -o yaml | apigw-ingress routes - --domain api.example.com
  apigw-ingress routes --openapi > api.json`,
		RunE: func(_ *cobra.Command, args []string) error { return s.routes(args, flags) },
	}
	f := command.Flags()
	f.BoolVar(&flags.openAPI, "openapi", false, "print the OpenAPI document for API Gateway")
	f.BoolVar(&flags.nginx, "nginx", false, "print the configuration for NGINX")
	f.StringSliceVar(&flags.domains, "domain", nil, "domain name to which the API answers; may be repeated")
	f.StringVar(&flags.group, "group", "", "take the Ingresses of one group.name only")
	f.StringVar(&flags.owner, "owner", "", "namespace whose annotations about the whole API count, where there are several")
	f.BoolVar(&flags.classless, "classless", false, "take Ingresses without a class as well")
	f.BoolVar(&flags.allowOverlaps, "allow-namespace-overlaps", false, "let a namespace have routes below another one's")
	f.BoolVar(&flags.ignoreForeign, "ignore-foreign-annotations", false,
		"let Ingresses pass whose annotations of other controllers decide who gets in")
	command.MarkFlagsMutuallyExclusive("openapi", "nginx")
	return command
}

func (s *shared) routes(files []string, flags routesFlags) error {
	judged, err := s.judge(files, flags)
	if judged.Table != nil {
		// Everything else is the manifests' own.
		if full := nginx.Check(judged.Table, nginxOptions(judged.Table)); full != nil {
			judged.Problems = append(judged.Problems, full)
		}
	}
	switch {
	case err != nil:
		return usage(err)
	case flags.openAPI || flags.nginx:
		return s.routeDocument(judged, flags)
	case s.json:
		return join(s.printJSON(asJSON(judged)), usage(judged.Err()))
	}
	return join(s.printReport(judged), usage(inShort(judged)))
}

// routeDocument prints what is made of the routes, for which all of them must be good.
func (s *shared) routeDocument(judged ingress.Report, flags routesFlags) error {
	if err := judged.Err(); err != nil {
		return usage(err)
	}
	table := judged.Table
	for _, notice := range table.Notices {
		fmt.Fprintf(s.errOut, "note: %s\n", plain(notice))
	}
	if err := table.Unresolved(); err != nil {
		return usage(err)
	}
	if flags.openAPI {
		// The link and the balancer are known only once they exist.
		document, err := openapi.Render(table, openapi.Document{Title: "routes", Link: openapi.PrivateLink{ConnectionID: "VPC_LINK_ID",
			Host: "nlb.internal"}})
		fmt.Fprintln(s.out, string(document))
		return err
	}
	fmt.Fprint(s.out, string(nginx.Render(table, nginxOptions(table))))
	return nil
}

func nginxOptions(t *route.Table) nginx.Options {
	return nginx.Options{Port: cmp.Or(t.Settings.ProxyPort, defaultProxyPort)}
}

// defaultProxyPort is where NGINX listens when no annotation says otherwise.
const defaultProxyPort = 8080

// judge says what becomes of each Ingress of the files, or of the stack's. Where there is none, the error says why.
func (s *shared) judge(files []string, flags routesFlags) (ingress.Report, error) {
	if len(files) == 0 {
		_, settings, err := operation.Settings(s.options())
		if err != nil {
			return ingress.Report{}, err
		}
		if notice := settings.Platform.Gateway.Stage.Canary.Notice(); notice != "" {
			s.notice(operation.Notice{Text: notice, Warning: true})
		}
		return settings.Judge(), nil
	}
	manifests, unread := ingress.Read(files, s.in)
	judged := ingress.Judge(manifests, unread, ingress.Options{
		AnyService: true, Domains: flags.domains, Group: flags.group, Owner: flags.owner, Classless: flags.classless,
		IgnoreForeign: flags.ignoreForeign, AllowOverlaps: flags.allowOverlaps,
	})
	switch {
	case len(manifests.Ingresses) > 0:
		return judged, nil
	case unread != nil:
		return judged, unread
	}
	_, err := ingress.Compile(manifests, ingress.Options{})
	return judged, err
}
