package command

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

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
every service is taken to exist, and the manifests' own Services say which number a named port has.`,
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
	f.BoolVar(&flags.ignoreForeign, "ignore-foreign-annotations", false, "let Ingresses pass whose annotations of other controllers decide who gets in")
	command.MarkFlagsMutuallyExclusive("openapi", "nginx")
	return command
}

func (s *shared) routes(files []string, flags routesFlags) error {
	table, err := s.routeTable(files, flags)
	if err != nil {
		return usage(err)
	}
	for _, notice := range table.Notices {
		fmt.Fprintf(s.errOut, "note: %s\n", notice)
	}
	if flags.openAPI || flags.nginx {
		if err := table.Unresolved(); err != nil {
			return usage(err)
		}
	}
	switch {
	case flags.openAPI:
		// The link and the balancer are known only once they exist.
		document, err := openapi.Render(table, openapi.Document{Title: "routes", Link: openapi.PrivateLink{ConnectionID: "VPC_LINK_ID",
			Host: "nlb.internal"}})
		fmt.Fprintln(s.out, string(document))
		return err
	case flags.nginx:
		port := table.Settings.ProxyPort
		if port == 0 {
			port = defaultProxyPort
		}
		fmt.Fprint(s.out, string(nginx.Render(table, nginx.Options{Port: port})))
		return nil
	case s.json:
		return s.printJSON(table.Rows())
	}
	return s.printRoutes(table.Rows())
}

// defaultProxyPort is where NGINX listens when no annotation says otherwise.
const defaultProxyPort = 8080

func (s *shared) routeTable(files []string, flags routesFlags) (*route.Table, error) {
	if len(files) > 0 {
		manifests, err := ingress.Read(files, s.in)
		options := ingress.Options{
			AnyService: true, Domains: flags.domains, Group: flags.group, Owner: flags.owner, Classless: flags.classless,
			IgnoreForeign: flags.ignoreForeign, AllowOverlaps: flags.allowOverlaps,
		}
		if err != nil {
			// What could be read is checked as well, so that all problems come at once.
			_, more := ingress.Compile(manifests, options)
			if len(manifests.Ingresses) == 0 {
				more = nil
			}
			return nil, errors.Join(err, more)
		}
		return ingress.Compile(manifests, options)
	}
	_, settings, err := operation.Settings(s.options())
	if err != nil {
		return nil, err
	}
	if notice := settings.Platform.Gateway.Stage.Canary.Notice(); notice != "" {
		s.notice(operation.Notice{Text: notice, Warning: true})
	}
	return settings.Platform.Routes()
}

func (s *shared) printRoutes(rows []route.Row) error {
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "HOST\tPATH\tTYPE\tMETHODS\tAUTH\tBACKEND\tSOURCE")
	for _, r := range rows {
		port := strconv.Itoa(r.Port)
		if r.Port == 0 {
			port = r.PortName
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s/%s:%s\t%s\n", r.Host, r.Path, r.PathType, strings.Join(r.Methods, ","), r.Auth,
			r.Namespace, r.Service, port, r.Source)
	}
	return w.Flush()
}
