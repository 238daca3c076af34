package route

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// AuthorizerType is what an authorizer asks.
type AuthorizerType string

// Cognito checks a user pool's token by itself. Token and Request ask a Lambda function, with one header's value
// or with the whole request.
const (
	AuthorizerCognito AuthorizerType = "cognito"
	AuthorizerToken   AuthorizerType = "token"
	AuthorizerRequest AuthorizerType = "request"
)

// Authorizer authenticates callers in another way than IAM. Routes choose it by its name in the annotation auth.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authorizer.html
type Authorizer struct {
	// Name has letters, digits, hyphens and underscores; not iam and not none.
	Name string         `json:"name"`
	Type AuthorizerType `json:"type"`
	// UserPoolARNs are the Cognito user pools of which tokens are taken.
	UserPoolARNs []string `json:"userPoolArns,omitempty"`
	// FunctionARN is the Lambda function, in the API's region.
	FunctionARN string `json:"functionArn,omitempty"`
	// IdentitySources tell the callers apart: headers of a request, written header.Name, or querystring.name.
	// The first is what a token authorizer gets. Default header.Authorization.
	IdentitySources []string `json:"identitySources,omitempty"`
	// TTLSeconds is how long an answer of the function holds, 0 to 3600. Default 300 where nothing is set.
	TTLSeconds *int `json:"ttlSeconds,omitempty"`
}

const (
	defaultAuthorizerTTL = 5 * time.Minute
	maxAuthorizerTTL     = time.Hour
	defaultIdentity      = "header.Authorization"
)

var (
	authorizerName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,127}$`)
	userPoolARN     = regexp.MustCompile(`^arn:aws[a-z-]*:cognito-idp:[a-z0-9-]+:[0-9]{12}:userpool/[\w-]+_[0-9a-zA-Z]+$`)
	functionARN     = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:([a-z0-9-]+):[0-9]{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_$-]+)?$`)
	identitySource  = regexp.MustCompile(`^(header|querystring)\.[A-Za-z0-9_-]+$`)
	reservedAuth    = map[Auth]bool{AuthIAM: true, AuthNone: true, sigV4: true, apiKeyScheme: true}
	lambdaInvoking  = "arn:%s:apigateway:%s:lambda:path/2015-03-31/functions/%s/invocations"
	authorizerTypes = []AuthorizerType{AuthorizerCognito, AuthorizerRequest, AuthorizerToken}
)

// Check reports every problem of the authorizer.
func (a Authorizer) Check() error {
	var problems []error
	if !authorizerName.MatchString(a.Name) || reservedAuth[Auth(a.Name)] {
		problems = append(problems, fmt.Errorf("the name %q is not possible: use letters, digits, - and _, and none of iam, none, %s, %s", a.Name, sigV4, apiKeyScheme))
	}
	switch a.Type {
	case AuthorizerCognito:
		if len(a.UserPoolARNs) == 0 {
			problems = append(problems, errors.New("userPoolArns is empty: name the user pools"))
		}
		problems = append(problems, eachMatches(a.UserPoolARNs, userPoolARN, "the ARN of a Cognito user pool"))
		if a.FunctionARN != "" || a.TTLSeconds != nil {
			problems = append(problems, errors.New("functionArn and ttlSeconds are for Lambda authorizers"))
		}
	case AuthorizerToken, AuthorizerRequest:
		problems = append(problems, matchesOr(a.FunctionARN, functionARN, "the ARN of a Lambda function"))
		if len(a.UserPoolARNs) > 0 {
			problems = append(problems, errors.New("userPoolArns are for Cognito authorizers"))
		}
	default:
		problems = append(problems, fmt.Errorf("the type %q is not one of %v", a.Type, authorizerTypes))
	}
	problems = append(problems, eachMatches(a.IdentitySources, identitySource, "header.NAME or querystring.NAME"))
	if a.Type != AuthorizerRequest && (len(a.IdentitySources) > 1 || len(a.IdentitySources) == 1 && !strings.HasPrefix(a.IdentitySources[0], "header.")) {
		problems = append(problems, fmt.Errorf("a %s authorizer takes one header as its identity source", a.Type))
	}
	if a.TTLSeconds != nil && (*a.TTLSeconds < 0 || *a.TTLSeconds > int(maxAuthorizerTTL.Seconds())) {
		problems = append(problems, fmt.Errorf("ttlSeconds %d is not from 0 to 3600", *a.TTLSeconds))
	}
	return at("authorizer "+a.Name, errors.Join(problems...))
}

// scheme is the authorizer as an OpenAPI security scheme.
func (a Authorizer) scheme() securityScheme {
	sources := slices.Clone(a.IdentitySources)
	if len(sources) == 0 {
		sources = []string{defaultIdentity}
	}
	if a.Type == AuthorizerCognito {
		return securityScheme{Type: "apiKey", In: "header", Name: strings.TrimPrefix(sources[0], "header."), AuthType: "cognito_user_pools", Authorizer: &authorizerExtension{
			Type: "cognito_user_pools", ProviderARNs: a.UserPoolARNs,
		}}
	}
	ttl := int(defaultAuthorizerTTL.Seconds())
	if a.TTLSeconds != nil {
		ttl = *a.TTLSeconds
	}
	parts := strings.SplitN(a.FunctionARN, ":", 5)
	extension := &authorizerExtension{
		Type: string(a.Type), TTL: &ttl, URI: fmt.Sprintf(lambdaInvoking, parts[1], parts[3], a.FunctionARN),
	}
	if a.Type == AuthorizerToken {
		return securityScheme{Type: "apiKey", In: "header", Name: strings.TrimPrefix(sources[0], "header."), AuthType: "custom", Authorizer: extension}
	}
	for i, source := range sources {
		sources[i] = "method.request." + source
	}
	extension.IdentitySource = strings.Join(sources, ", ")
	return securityScheme{Type: "apiKey", In: "header", Name: "Unused", AuthType: "custom", Authorizer: extension}
}

// authorizer finds the authorizer of a route; nil for IAM and none.
func (t *Table) authorizer(auth Auth) *Authorizer {
	for i := range t.Authorizers {
		if t.Authorizers[i].Name == string(auth) {
			return &t.Authorizers[i]
		}
	}
	return nil
}

// Anonymous says whether some method is let in without an IAM identity: a public route, one with an authorizer, or a preflight.
func (t *Table) Anonymous() bool {
	for _, r := range t.Routes {
		if r.Settings.withDefaults().Auth != AuthIAM || r.Settings.CORS != nil {
			return true
		}
	}
	return false
}

// checkAuthorizers wants each route's authorizer to exist.
func (t *Table) checkAuthorizers() error {
	var problems []error
	seen := map[string]bool{}
	for _, a := range t.Authorizers {
		problems = append(problems, a.Check())
		if seen[a.Name] {
			problems = append(problems, fmt.Errorf("authorizer %s is declared twice", a.Name))
		}
		seen[a.Name] = true
	}
	reported := map[string]bool{}
	for _, r := range t.Routes {
		auth, place := r.Settings.Auth, strings.SplitN(r.Source, ": rule", 2)[0]
		if reported[place] || auth == AuthIAM || auth == AuthNone {
			continue
		}
		a := t.authorizer(auth)
		switch {
		case a == nil:
			problems = append(problems, fmt.Errorf("%s: auth %q is neither iam nor none, nor an authorizer of the API: declare it in authorizers", place, auth))
		case len(r.Settings.Scopes) > 0 && a.Type != AuthorizerCognito:
			problems = append(problems, fmt.Errorf("%s: auth-scopes are for Cognito authorizers, and %s is of type %s", place, a.Name, a.Type))
		}
		reported[place] = true
	}
	return errors.Join(problems...)
}
