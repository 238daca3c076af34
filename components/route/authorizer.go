package route

import (
	"errors"
	"fmt"
	"regexp"
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
	Name string `pulumi:"name"`
	// Type is what the authorizer asks.
	Type AuthorizerType `pulumi:"type" enum:"cognito,token,request"`
	// UserPoolARNs are the Cognito user pools of which tokens are taken.
	UserPoolARNs []string `pulumi:"userPoolArns,optional"`
	// FunctionARN is the Lambda function, in the API's region.
	FunctionARN string `pulumi:"functionArn,optional"`
	// IdentitySources tell the callers apart: headers of a request, written header.Name, or querystring.name.
	// The first is what a token authorizer gets. Default header.Authorization.
	IdentitySources []string `pulumi:"identitySources,optional"`
	// TTLSeconds is how long an answer of the function holds, 0 to 3600. Default 300 where nothing is set.
	TTLSeconds *int `pulumi:"ttlSeconds,optional"`
}

// Names of the security schemes that a definition needs for itself; no authorizer may have them.
const (
	// SigV4Scheme is the one by which API Gateway knows AWS_IAM authorization:
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authtype.html
	SigV4Scheme = "sigv4"
	// APIKeyScheme is the one by which it knows that an API key is required.
	APIKeyScheme = "apikey"
)

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
	reservedAuth    = map[Auth]bool{AuthIAM: true, AuthNone: true, SigV4Scheme: true, APIKeyScheme: true}
	authorizerTypes = []AuthorizerType{AuthorizerCognito, AuthorizerRequest, AuthorizerToken}
)

func (a Authorizer) withDefaults() Authorizer {
	if len(a.IdentitySources) == 0 {
		a.IdentitySources = []string{defaultIdentity}
	}
	if a.TTLSeconds == nil && a.Type != AuthorizerCognito {
		ttl := int(defaultAuthorizerTTL.Seconds())
		a.TTLSeconds = &ttl
	}
	return a
}

// Check reports every problem of the authorizer.
func (a Authorizer) Check() error {
	var problems []error
	if !authorizerName.MatchString(a.Name) || reservedAuth[Auth(a.Name)] {
		problems = append(problems, fmt.Errorf("the name %q is not possible: use letters, digits, - and _, and none of iam, none, %s, %s",
			a.Name, SigV4Scheme, APIKeyScheme))
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
	if a.Type != AuthorizerRequest && (len(a.IdentitySources) > 1 || len(a.IdentitySources) == 1 &&
		!strings.HasPrefix(a.IdentitySources[0], "header.")) {
		problems = append(problems, fmt.Errorf("a %s authorizer takes one header as its identity source", a.Type))
	}
	if a.TTLSeconds != nil && (*a.TTLSeconds < 0 || *a.TTLSeconds > int(maxAuthorizerTTL.Seconds())) {
		problems = append(problems, fmt.Errorf("ttlSeconds %d is not from 0 to 3600", *a.TTLSeconds))
	}
	return At("authorizer "+a.Name, errors.Join(problems...))
}

// Authorizer finds the authorizer of a route; nil for IAM and none.
func (t *Table) Authorizer(auth Auth) *Authorizer {
	for i := range t.Authorizers {
		if t.Authorizers[i].Name == string(auth) {
			return &t.Authorizers[i]
		}
	}
	return nil
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
		auth, place := r.Behavior.Auth, strings.SplitN(r.Source, ": rule", 2)[0]
		if reported[place] || auth == AuthIAM || auth == AuthNone {
			continue
		}
		a := t.Authorizer(auth)
		switch {
		case a == nil:
			problems = append(problems, fmt.Errorf("%s: auth %q is neither iam nor none, nor an authorizer of the API: declare it in "+
				"authorizers", place, auth))
		case len(r.Behavior.Scopes) > 0 && a.Type != AuthorizerCognito:
			problems = append(problems, fmt.Errorf("%s: auth-scopes are for Cognito authorizers, and %s is of type %s", place, a.Name, a.Type))
		}
		reported[place] = true
	}
	return errors.Join(problems...)
}
