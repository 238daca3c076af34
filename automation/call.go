package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/daemon"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/identity"
	"github.com/apigateway-ingress/apigateway-ingress/stacks/deploy"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/spf13/cobra"
)

// request is what call's flags describe.
type request struct {
	method   string
	headers  []string
	data     string
	unsigned bool
	include  bool
	// apiKey is the name of a key, and as a user of the Cognito authorizer of that name, with scopes.
	apiKey     string
	domain     bool
	as         string
	authorizer string
	scopes     []string
}

func (a *app) callCommand() *cobra.Command {
	var r request
	command := &cobra.Command{
		Use:   "call PATH",
		Short: "Send a signed request to a stack's API and print the answer",
		Long: `call sends a request to a stack's API, signed with the key of the stack's client user, and prints the
body of the answer. PATH is below the stage. An answer of 400 or more exits with 8.

On the local target --as makes a token of a Cognito authorizer's user pool, for any user.`,
		Example: `  apigw-ingress call /api/book/list
  apigw-ingress call -i --unsigned /api/book/list
  apigw-ingress call --api-key acme /api/book/list
  apigw-ingress call --authorizer members --as alice /api/author/list
  apigw-ingress call -X POST -H 'Content-Type: application/json' -d @order.json /api/order`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return a.call(cmd.Context(), args[0], r) },
	}
	flags := command.Flags()
	flags.StringVarP(&r.method, "request", "X", "", "HTTP method (default GET, or POST with --data)")
	flags.StringArrayVarP(&r.headers, "header", "H", nil, "header to send, \"Name: value\"; may be repeated")
	flags.StringVarP(&r.data, "data", "d", "", "body to send; @FILE sends a file, @- standard input")
	flags.BoolVar(&r.unsigned, "unsigned", false, "send no signature")
	flags.BoolVar(&r.domain, "domain", false, "call the API by its own domain name")
	flags.StringVar(&r.apiKey, "api-key", "", "send the API key of this name")
	flags.StringVar(&r.authorizer, "authorizer", "", "Cognito authorizer to get a token for, instead of signing")
	flags.StringVar(&r.as, "as", "user", "user in that token")
	flags.StringSliceVar(&r.scopes, "scope", nil, "OAuth scopes of that token; without any it is an ID token")
	flags.BoolVarP(&r.include, "include", "i", false, "print status and headers, too")
	return command
}

func (a *app) call(ctx context.Context, path string, r request) error {
	if !strings.HasPrefix(path, "/") {
		return withCode(exitUsage, fmt.Errorf("path %q does not start with /", path))
	}
	session, err := a.readSession(ctx)
	if err != nil {
		return err
	}
	outputs, err := session.Outputs(ctx)
	if err != nil {
		return err
	}
	response, err := a.ask(ctx, path, r, session.Project.Target, outputs)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if r.include {
		fmt.Fprintf(a.out, "%s %s\n", response.Proto, response.Status)
		if err := response.Header.Write(a.out); err != nil {
			return err
		}
		fmt.Fprintln(a.out)
	}
	if _, err := io.Copy(a.out, response.Body); err != nil {
		return withCode(exitUnhealthy, fmt.Errorf("the answer was cut off: %w", err))
	}
	if response.StatusCode >= http.StatusBadRequest {
		return withCode(exitUnhealthy, fmt.Errorf("the API answered %s", response.Status))
	}
	return nil
}

// A new access key is not known everywhere in AWS at once.
const (
	keyPatience = time.Minute
	keyPause    = 3 * time.Second
)

// ask sends the request, in AWS again while the client's key is new to it.
func (a *app) ask(ctx context.Context, path string, r request, target engine.Target, outputs auto.OutputMap) (*http.Response, error) {
	for deadline := time.Now().Add(keyPatience); ; {
		response, err := a.send(ctx, path, r, outputs)
		if err != nil {
			return nil, err
		}
		unknownKey := strings.HasPrefix(response.Header.Get("X-Amzn-Errortype"), "UnrecognizedClientException")
		if target != engine.AWS || !unknownKey || time.Now().After(deadline) {
			return response, nil
		}
		if err := response.Body.Close(); err != nil {
			return nil, err
		}
		fmt.Fprintln(a.errOut, "AWS does not know the client's access key yet; trying again.")
		time.Sleep(keyPause)
	}
}

func (a *app) send(ctx context.Context, path string, r request, outputs auto.OutputMap) (*http.Response, error) {
	prepared, body, err := a.prepare(ctx, path, r, outputs)
	if err != nil {
		return nil, err
	}
	if err := a.identify(ctx, prepared, r, outputs); err != nil {
		return nil, err
	}
	if !r.unsigned && r.authorizer == "" {
		if err := sign(ctx, prepared, body, outputs); err != nil {
			return nil, err
		}
	}
	response, err := (&http.Client{Timeout: time.Minute}).Do(prepared)
	if err != nil {
		return nil, withCode(exitUnhealthy, fmt.Errorf("the API does not answer: %w\nrun `%s status`, and `%s up` when the local cloud is not running", err, a.commandName(), a.commandName()))
	}
	return response, nil
}

// identify adds what a request shows besides a signature.
func (a *app) identify(ctx context.Context, prepared *http.Request, r request, outputs auto.OutputMap) error {
	if r.apiKey != "" {
		keys, _ := outputs["apiKeys"].Value.(map[string]any)
		value, ok := keys[r.apiKey].(string)
		if !ok {
			return withCode(exitUsage, fmt.Errorf("the stack has no API key %q: declare it in usagePlans", r.apiKey))
		}
		prepared.Header.Set("X-Api-Key", value)
	}
	project, err := a.openProject()
	if err != nil {
		return err
	}
	if kind, _ := project.Get("endpointType"); kind == "PRIVATE" {
		// Without private DNS this tells a VPC endpoint which API is meant.
		prepared.Header.Set("X-Apigw-Api-Id", fmt.Sprint(outputs["restApiId"].Value))
	}
	if r.authorizer == "" {
		return nil
	}
	token, err := a.token(ctx, r)
	prepared.Header.Set("Authorization", token)
	return err
}

// token is one of a Cognito authorizer's user pool, which the local cloud stands for.
func (a *app) token(ctx context.Context, r request) (string, error) {
	project, err := a.validProject()
	if err != nil {
		return "", err
	}
	if project.Target != engine.Local {
		return "", withCode(exitUsage, errors.New("--authorizer is for the local target: on AWS get a token from the user pool and send it with --header"))
	}
	settings, err := deploy.Read(project.Get, project.Root)
	if err != nil {
		return "", err
	}
	for _, candidate := range settings.Platform.Authorizers {
		if candidate.Name == r.authorizer && candidate.Type == route.AuthorizerCognito {
			client, err := daemon.NewClient(a.stateDir)
			if err != nil {
				return "", err
			}
			return client.Token(ctx, daemon.TokenRequest{UserPoolARN: candidate.UserPoolARNs[0], User: r.as, Scopes: r.scopes})
		}
	}
	return "", withCode(exitUsage, fmt.Errorf("the stack has no Cognito authorizer %q", r.authorizer))
}

func (a *app) prepare(ctx context.Context, path string, r request, outputs auto.OutputMap) (*http.Request, []byte, error) {
	endpoint, _ := outputs["apiEndpoint"].Value.(string)
	if endpoint == "" {
		return nil, nil, withCode(exitUsage, fmt.Errorf("stack %s has no endpoint: run `%s up`", a.stack, a.commandName()))
	}
	body, err := a.body(r.data)
	if err != nil {
		return nil, nil, err
	}
	method := r.method
	if method == "" {
		if method = http.MethodGet; r.data != "" {
			method = http.MethodPost
		}
	}
	host := ""
	if r.domain {
		if endpoint, host, err = a.byDomain(endpoint, outputs); err != nil {
			return nil, nil, err
		}
	}
	prepared, err := http.NewRequestWithContext(ctx, method, endpoint+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, withCode(exitUsage, err)
	}
	prepared.Host = cmp.Or(host, prepared.Host)
	for _, header := range r.headers {
		name, value, ok := strings.Cut(header, ":")
		if !ok {
			return nil, nil, withCode(exitUsage, fmt.Errorf("header %q is not of the form \"Name: value\"", header))
		}
		prepared.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return prepared, body, nil
}

// byDomain is the URL under the API's own name. On the local target, which no DNS knows, the host goes separately.
func (a *app) byDomain(endpoint string, outputs auto.OutputMap) (base, host string, err error) {
	text, _ := outputs["domainUrl"].Value.(string)
	domain, err := url.Parse(text)
	if err != nil || domain.Host == "" {
		return "", "", withCode(exitUsage, errors.New("the stack has no domain: set domainName"))
	}
	project, err := a.openProject()
	if err != nil || project.Target != engine.Local {
		return text, "", err
	}
	local, err := url.Parse(endpoint)
	if err != nil {
		return "", "", err
	}
	host = domain.Host
	domain.Scheme, domain.Host = local.Scheme, local.Host
	return domain.String(), host, nil
}

func (a *app) body(data string) ([]byte, error) {
	file, isFile := strings.CutPrefix(data, "@")
	switch {
	case !isFile:
		return []byte(data), nil
	case file == "-":
		return io.ReadAll(a.in)
	}
	content, err := os.ReadFile(file)
	return content, withCode(exitUsage, err)
}

func sign(ctx context.Context, r *http.Request, body []byte, outputs auto.OutputMap) error {
	id, _ := outputs["clientAccessKeyId"].Value.(string)
	secret, _ := outputs["clientSecretAccessKey"].Value.(string)
	region, _ := outputs["region"].Value.(string)
	if id == "" || secret == "" {
		return withCode(exitUsage, errors.New("the stack has no client user: set its config clientUser to true, or use --unsigned"))
	}
	sum := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}
	// The SDK's signer takes the path as it is sent; API Gateway compares the normalized one.
	defer func(opaque string) { r.URL.Opaque = opaque }(r.URL.Opaque)
	r.URL.Opaque = "//" + r.URL.Host + identity.NormalPath(r.URL.EscapedPath())
	return v4.NewSigner().SignHTTP(ctx, credentials, r, hex.EncodeToString(sum[:]), "execute-api", region, time.Now())
}
