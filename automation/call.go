package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

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
}

func (a *app) callCommand() *cobra.Command {
	var r request
	command := &cobra.Command{
		Use:   "call PATH",
		Short: "Send a signed request to a stack's API and print the answer",
		Long: `call sends a request to a stack's API, signed with the key of the stack's client user, and prints the
body of the answer. PATH is below the stage. An answer of 400 or more exits with 8.`,
		Example: `  apigw-ingress call /api/book/list
  apigw-ingress call -i --unsigned /api/book/list
  apigw-ingress call -X POST -H 'Content-Type: application/json' -d @order.json /api/order`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return a.call(cmd.Context(), args[0], r) },
	}
	flags := command.Flags()
	flags.StringVarP(&r.method, "request", "X", "", "HTTP method (default GET, or POST with --data)")
	flags.StringArrayVarP(&r.headers, "header", "H", nil, "header to send, \"Name: value\"; may be repeated")
	flags.StringVarP(&r.data, "data", "d", "", "body to send; @FILE sends a file, @- standard input")
	flags.BoolVar(&r.unsigned, "unsigned", false, "send no signature")
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
	outputs, err := session.Stack.Outputs(ctx)
	if err != nil {
		return err
	}
	prepared, body, err := a.prepare(ctx, path, r, outputs)
	if err != nil {
		return err
	}
	if !r.unsigned {
		if err := sign(ctx, prepared, body, outputs); err != nil {
			return err
		}
	}
	response, err := (&http.Client{Timeout: time.Minute}).Do(prepared)
	if err != nil {
		return withCode(exitUnhealthy, fmt.Errorf("the API does not answer: %w\nrun `%s status`, and `%s up` when the local cloud is not running", err, a.commandName(), a.commandName()))
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
	prepared, err := http.NewRequestWithContext(ctx, method, endpoint+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, withCode(exitUsage, err)
	}
	for _, header := range r.headers {
		name, value, ok := strings.Cut(header, ":")
		if !ok {
			return nil, nil, withCode(exitUsage, fmt.Errorf("header %q is not of the form \"Name: value\"", header))
		}
		prepared.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return prepared, body, nil
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
	return v4.NewSigner().SignHTTP(ctx, credentials, r, hex.EncodeToString(sum[:]), "execute-api", region, time.Now())
}
