package operation

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/apiclient"
	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/daemon"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
)

// Request is what Call sends.
type Request struct {
	// Path is below the stage.
	Path string
	// Method is GET when it is empty, or POST with a body.
	Method string
	Header http.Header
	Body   []byte
	// Unsigned sends no signature.
	Unsigned bool
	// ByDomain calls the API by its own domain name.
	ByDomain bool
	// Host calls it by this name of its, which a domain of its serves.
	Host string
	// APIKey is the name of an API key to send.
	APIKey string
	// Authorizer is a Cognito authorizer to get a token for, instead of signing, as User and with Scopes: on the local
	// target only. Without scopes it is an ID token.
	Authorizer, User string
	Scopes           []string
}

// A new access key is not known everywhere in AWS at once.
const (
	keyPatience = time.Minute
	keyPause    = 3 * time.Second
)

// Call sends a request to a stack's API, signed with the key of the stack's client user. In AWS it tries again while that
// key is new. A redirect is the answer; it is not followed. Close the response's body.
func Call(ctx context.Context, o Options, r Request) (*http.Response, error) {
	if !strings.HasPrefix(r.Path, "/") {
		return nil, fail(Usage, fmt.Errorf("path %q does not start with /", r.Path))
	}
	s, session, err := read(ctx, o)
	if err != nil {
		return nil, err
	}
	outputs, err := session.Outputs(ctx)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(keyPatience); ; {
		response, err := s.send(ctx, r, outputs)
		if err != nil {
			return nil, err
		}
		unknownKey := strings.HasPrefix(response.Header.Get("X-Amzn-Errortype"), "UnrecognizedClientException")
		if s.project.Target != engine.AWS || !unknownKey || time.Now().After(deadline) {
			return response, nil
		}
		if err := response.Body.Close(); err != nil {
			return nil, err
		}
		s.note("AWS does not know the client's access key yet; trying again.")
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(keyPause):
		}
	}
}

func (s *site) send(ctx context.Context, r Request, outputs auto.OutputMap) (*http.Response, error) {
	prepared, err := s.prepare(ctx, r, outputs)
	if err != nil {
		return nil, err
	}
	if err := s.identify(ctx, prepared, r, outputs); err != nil {
		return nil, err
	}
	if err := s.checkServed(ctx, outputs); err != nil {
		return nil, err
	}
	client := caller()
	if !r.Unsigned && r.Authorizer == "" {
		transport, err := apiclient.New(outputs)
		if err != nil {
			return nil, fail(Usage, fmt.Errorf("%w, or use --unsigned", err))
		}
		client.Transport = transport
	}
	response, err := client.Do(prepared)
	if err != nil {
		return nil, fail(Unhealthy, fmt.Errorf("the API does not answer: %w\nrun %s, and %s when the local cloud is not running", err,
			s.hint("status"), s.hint("up")))
	}
	return response, nil
}

// caller shows a redirect instead of following it: where it leads is no business of the API's keys and tokens.
func caller() *http.Client {
	return &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// checkServed makes sure that a stack of the local target is served by its own local cloud. Another program, or the local
// cloud of another state directory, may have its port.
func (s *site) checkServed(ctx context.Context, outputs auto.OutputMap) error {
	text, _ := outputs["apiEndpoint"].Value.(string)
	endpoint, err := url.Parse(text)
	if s.project.Target != engine.Local || text == "" || err != nil {
		return err
	}
	cloud, err := s.localCloud(ctx)
	switch {
	case err != nil:
		return err
	case cloud == nil:
		return fail(Unhealthy, fmt.Errorf("the API does not answer: the local cloud is not running\nrun %s", s.hint("up")))
	case !slices.Contains(cloud.Served, endpoint.Host):
		return fail(Unhealthy, fmt.Errorf("the API is not served: another program has its port, %s\n"+
			"stop that program and run %s, or destroy the stack and bring it up anew", endpoint.Host, s.hint("up")))
	}
	return nil
}

// prepare makes the request without what shows who sends it.
func (s *site) prepare(ctx context.Context, r Request, outputs auto.OutputMap) (*http.Request, error) {
	endpoint, _ := outputs["apiEndpoint"].Value.(string)
	if endpoint == "" {
		return nil, fail(Usage, fmt.Errorf("stack %s has no endpoint: run %s", s.Stack, s.hint("up")))
	}
	method := http.MethodGet
	if len(r.Body) > 0 {
		method = http.MethodPost
	}
	host := ""
	if r.ByDomain || r.Host != "" {
		called, err := urlOf(r.Host, outputs)
		if err == nil {
			endpoint, host, err = s.byDomain(endpoint, called)
		}
		if err != nil {
			return nil, err
		}
	}
	prepared, err := http.NewRequestWithContext(ctx, cmp.Or(r.Method, method), endpoint+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return nil, fail(Usage, err)
	}
	prepared.Host = cmp.Or(host, prepared.Host)
	for name, values := range r.Header {
		prepared.Header[name] = values
	}
	return prepared, nil
}

// urlOf is where the API answers under one of its names. An empty host means its first domain.
func urlOf(host string, outputs auto.OutputMap) (string, error) {
	if host == "" {
		text, _ := outputs["domainUrl"].Value.(string)
		if text == "" {
			return "", fail(Usage, errors.New("the stack has no domain of one name: set domainName, or say which with --host"))
		}
		return text, nil
	}
	urls, _ := outputs["domainUrls"].Value.(map[string]any)
	for _, name := range slices.SortedFunc(maps.Keys(urls), cmp.Compare) {
		if name == host || route.HostMatches(name, host) && urls[host] == nil {
			return strings.Replace(fmt.Sprint(urls[name]), name, host, 1), nil
		}
	}
	return "", fail(Usage, fmt.Errorf("the stack has no domain for %s: its domains are %s", host,
		strings.Join(append(slices.Sorted(maps.Keys(urls)), "no others"), ", ")))
}

// byDomain is a URL under a name of the API's. On the local target, which no DNS knows, the host goes separately.
func (s *site) byDomain(endpoint, called string) (base, host string, err error) {
	if s.project.Target != engine.Local {
		return called, "", nil
	}
	domain, err := url.Parse(called)
	if err != nil {
		return "", "", err
	}
	local, err := url.Parse(endpoint)
	if err != nil {
		return "", "", err
	}
	host = domain.Host
	domain.Scheme, domain.Host = local.Scheme, local.Host
	return domain.String(), host, nil
}

// identify adds what a request shows besides a signature.
func (s *site) identify(ctx context.Context, prepared *http.Request, r Request, outputs auto.OutputMap) error {
	if r.APIKey != "" {
		keys, _ := outputs["apiKeys"].Value.(map[string]any)
		value, ok := keys[r.APIKey].(string)
		if !ok {
			return fail(Usage, fmt.Errorf("the stack has no API key %q: declare it in usagePlans", r.APIKey))
		}
		prepared.Header.Set("X-Api-Key", value)
	}
	if kind, _ := s.project.Get("endpointType"); kind == "PRIVATE" {
		// Without private DNS this tells a VPC endpoint which API is meant.
		prepared.Header.Set("X-Apigw-Api-Id", fmt.Sprint(outputs["restApiId"].Value))
	}
	if r.Authorizer == "" {
		return nil
	}
	token, err := s.token(ctx, r)
	prepared.Header.Set("Authorization", token)
	return err
}

// token is one of a Cognito authorizer's user pool, which the local cloud stands for.
func (s *site) token(ctx context.Context, r Request) (string, error) {
	project, settings, err := Settings(s.Options)
	if err != nil {
		return "", err
	}
	if project.Target != engine.Local {
		return "", fail(Usage, errors.New("--authorizer is for the local target: "+
			"on AWS get a token from the user pool and send it with --header"))
	}
	for _, candidate := range settings.Platform.Authorizers {
		if candidate.Name == r.Authorizer && candidate.Type == route.AuthorizerCognito {
			client, err := daemon.NewClient(s.StateDir)
			if err != nil {
				return "", err
			}
			return client.Token(ctx, daemon.TokenRequest{UserPoolARN: candidate.UserPoolARNs[0], User: r.User, Scopes: r.Scopes})
		}
	}
	return "", fail(Usage, fmt.Errorf("the stack has no Cognito authorizer %q", r.Authorizer))
}
