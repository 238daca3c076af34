package restapi

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Authorizer is who decides about a caller besides IAM.
type Authorizer struct {
	// Type is cognito_user_pools, token or request.
	Type string `json:"type"`
	// ProviderARNs are the user pools.
	ProviderARNs []string `json:"providerARNs"`
	URI          string   `json:"authorizerUri"`
	// IdentitySource is a list of request parameters, separated by commas.
	IdentitySource string `json:"identitySource"`
	// TTL is how long an answer holds, in seconds. Default 300.
	TTL *int `json:"authorizerResultTtlInSeconds"`
	// FunctionARN is the Lambda function's, Qualifier its version or alias, and Header the header with a token.
	FunctionARN string `json:"-"`
	Qualifier   string `json:"-"`
	Header      string `json:"-"`
}

// Types of authorizers.
const (
	Cognito = "cognito_user_pools"
	Token   = "token"
	Request = "request"
)

var invocation = regexp.MustCompile(`^arn:aws[a-z-]*:apigateway:[a-z0-9-]+:lambda:path/2015-03-31/functions/(arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+)(?::([A-Za-z0-9_$-]+))?/invocations$`)

func (d *document) checkAuthorizers() error {
	var problems []error
	for _, name := range sortedKeys(d.Components.SecuritySchemes) {
		scheme := d.Components.SecuritySchemes[name]
		a := scheme.Authorizer
		if a == nil {
			continue
		}
		a.Header = scheme.Name
		wantedType := "custom"
		if a.Type == Cognito {
			wantedType = Cognito
		}
		switch {
		case !slices.Contains([]string{Cognito, Token, Request}, a.Type) || scheme.AuthType != wantedType:
			problems = append(problems, fmt.Errorf("authorizer %s: the type %q does not go with the authtype %q", name, a.Type, scheme.AuthType))
		case a.Type == Cognito && len(a.ProviderARNs) == 0:
			problems = append(problems, fmt.Errorf("authorizer %s: at least one provider ARN is required", name))
		case a.Type == Request && a.IdentitySource == "" && (a.TTL == nil || *a.TTL > 0):
			problems = append(problems, fmt.Errorf("authorizer %s: identity source is required while results are cached", name))
		case a.Type != Cognito:
			parts := invocation.FindStringSubmatch(a.URI)
			if parts == nil {
				problems = append(problems, fmt.Errorf("authorizer %s: invalid Authorizer URI: %s", name, a.URI))
				continue
			}
			a.FunctionARN, a.Qualifier = parts[1], parts[2]
		}
	}
	return errors.Join(problems...)
}

// ID is what API Gateway would call the authorizer; a program that imports a definition does not learn it.
func (a *Authorizer) ID() string {
	sum := sha256.Sum256([]byte(a.Type + a.URI + a.Header))
	return hex.EncodeToString(sum[:])[:6]
}

// Function is the name of the Lambda function.
func (a *Authorizer) Function() string {
	return a.FunctionARN[strings.LastIndexByte(a.FunctionARN, ':')+1:]
}

// Sources are the request parameters that tell callers apart, for example method.request.header.Authorization.
func (a *Authorizer) Sources() []string {
	if a.Type != Request {
		return []string{"method.request.header." + a.Header}
	}
	var sources []string
	for source := range strings.SplitSeq(a.IdentitySource, ",") {
		if source = strings.TrimSpace(source); source != "" {
			sources = append(sources, source)
		}
	}
	return sources
}
