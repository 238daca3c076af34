package command

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

// callFlags describe a request and what is printed of the answer.
type callFlags struct {
	operation.Request
	headers []string
	data    string
	include bool
}

func callCommand(s *shared) *cobra.Command {
	var f callFlags
	command := &cobra.Command{
		Use:   "call PATH",
		Short: "Send a signed request to a stack's API and print the answer",
		Long: `call sends a request to a stack's API, signed with the key of the stack's client user, and prints the
body of the answer; a text whose last line has no end gets one. PATH is below the stage. An answer of 400 or more exits with
8, and its status, type, reason and request id are told. A redirect is shown and not followed. With --json one document has
status, headers and body, as a value where the body is JSON.

On the local target --as makes a token of a Cognito authorizer's user pool, for any user.`,
		Example: `  apigw-ingress call /api/book/list
  apigw-ingress call -i --unsigned /api/book/list
  apigw-ingress call --host shop.example.com /cart
  apigw-ingress call --api-key acme /api/book/list
  apigw-ingress call --authorizer members --as alice /api/author/list
  apigw-ingress call -X POST -H 'Content-Type: application/json' -d @order.json /api/order`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return s.call(cmd.Context(), args[0], f) },
	}
	f.declare(command)
	command.Flags().StringVarP(&f.Method, "request", "X", "", "HTTP method (default GET, or POST with --data)")
	command.Flags().BoolVarP(&f.include, "include", "i", false, "print status and headers, too")
	return command
}

// declare adds the flags that say what is sent besides method and path.
func (f *callFlags) declare(command *cobra.Command) {
	flags := command.Flags()
	flags.StringArrayVarP(&f.headers, "header", "H", nil, "header to send, \"Name: value\"; may be repeated")
	flags.StringVarP(&f.data, "data", "d", "", "body to send; @FILE sends a file, @- standard input")
	flags.BoolVar(&f.Unsigned, "unsigned", false, "send no signature")
	flags.BoolVar(&f.ByDomain, "domain", false, "call the API by its own domain name")
	flags.StringVar(&f.Host, "host", "", "call the API by this name, which one of its domains serves")
	flags.StringVar(&f.APIKey, "api-key", "", "send the API key of this name")
	flags.StringVar(&f.Authorizer, "authorizer", "", "Cognito authorizer to get a token for, instead of signing")
	flags.StringVar(&f.User, "as", "user", "user in that token")
	flags.StringSliceVar(&f.Scopes, "scope", nil, "OAuth scopes of that token; without any it is an ID token")
	command.MarkFlagsMutuallyExclusive("domain", "host")
}

func (s *shared) call(ctx context.Context, path string, flags callFlags) error {
	request, err := s.request(path, flags)
	if err != nil {
		return err
	}
	response, err := operation.Call(ctx, s.options(), request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return s.printAnswer(response, flags.include)
}

func (s *shared) request(path string, flags callFlags) (operation.Request, error) {
	r := flags.Request
	r.Path, r.Header = path, http.Header{}
	for _, header := range flags.headers {
		name, value, ok := strings.Cut(header, ":")
		if !ok {
			return r, usage(fmt.Errorf("header %q is not of the form \"Name: value\"", header))
		}
		r.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	r.Body = []byte(flags.data)
	if file, isFile := strings.CutPrefix(flags.data, "@"); isFile {
		var err error
		if r.Body, err = s.fileOrInput([]string{file}); err != nil {
			return r, err
		}
	}
	return r, nil
}
