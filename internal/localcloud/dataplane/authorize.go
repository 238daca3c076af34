package dataplane

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/cognito"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/identity"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
)

// authorize says why a request is refused, or nil. The resource policy is asked about every method:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
func (x *exchange) authorize() *answer {
	switch a := x.method.Authorizer; {
	case x.method.IAM:
		principal, refusal := x.api.verifier.Verify(x.r, x.body)
		if refusal != nil {
			return &answer{kindOfRefusal(refusal.Type), http.StatusForbidden, refusal.Type, refusal.Message}
		}
		x.principal = principal
		return x.admit(identity.Authorize(x.question(), awsrules.Account, x.snapshot.policies[principal.ARN], x.release.policy))
	case a == nil:
		return x.admit(identity.AuthorizeAnonymous(x.question(), x.release.policy))
	case a.Type == restapi.Cognito:
		if refusal := x.admit(identity.AuthorizeAnonymous(x.question(), x.release.policy)); refusal != nil {
			return refusal
		}
		return x.askCognito(a)
	default:
		if refusal := x.askFunction(a); refusal != nil {
			return refusal
		}
		return x.admit(identity.AuthorizeAnonymous(x.question(), x.release.policy))
	}
}

func kindOfRefusal(errorType string) string {
	switch errorType {
	case "MissingAuthenticationTokenException":
		return "MISSING_AUTHENTICATION_TOKEN"
	case "InvalidSignatureException":
		return "INVALID_SIGNATURE"
	}
	return "ACCESS_DENIED"
}

func (x *exchange) askCognito(a *restapi.Authorizer) *answer {
	token := strings.TrimPrefix(x.r.Header.Get(a.Header), "Bearer ")
	claims, err := x.front.d.pools.Verify(token, a.ProviderARNs, x.method.Scopes, x.front.d.now())
	switch {
	case errors.Is(err, cognito.ErrExpired):
		return &expired
	case err != nil:
		return &unauthorized
	}
	x.principalID = claims.Subject
	return nil
}

// question is what policies are asked.
func (x *exchange) question() identity.Request {
	return identity.Request{Principal: x.principal, Action: "execute-api:Invoke", Resource: x.methodARN(), Context: x.conditionKeys()}
}

func (x *exchange) methodARN() string {
	return fmt.Sprintf("arn:%s:execute-api:%s:%s:%s/%s/%s%s", awsrules.Partition(x.api.region), x.api.region, awsrules.Account, x.api.id,
		x.stage.name, x.r.Method, x.path)
}

func (x *exchange) admit(decision identity.Decision) *answer {
	if decision == identity.Allow {
		return nil
	}
	who, explicit := x.principal.ARN, ""
	if who == "" {
		who = "anonymous"
	}
	if decision == identity.Deny {
		explicit = " with an explicit deny"
	}
	hidden := strings.Replace(x.methodARN(), awsrules.Account, "********"+awsrules.Account[8:], 1)
	return &answer{"ACCESS_DENIED", http.StatusForbidden, accessDenied,
		fmt.Sprintf("User: %s is not authorized to perform: execute-api:Invoke on resource: %s%s", who, hidden, explicit)}
}

func (x *exchange) conditionKeys() map[string][]string {
	keys := map[string][]string{
		"aws:principalarn":     {x.principal.ARN},
		"aws:principalaccount": {x.principal.Account},
		"aws:principaltype":    {"User"},
		"aws:username":         {x.principal.UserName},
		"aws:userid":           {x.principal.UserID},
		"aws:sourceip":         {x.sourceIP},
		"aws:securetransport":  {"true"},
		"aws:currenttime":      {x.started.UTC().Format(time.RFC3339)},
		"aws:epochtime":        {strconv.FormatInt(x.started.Unix(), 10)},
	}
	if x.principal.ARN == "" {
		for _, key := range []string{"aws:principalarn", "aws:principalaccount", "aws:principaltype", "aws:username", "aws:userid"} {
			delete(keys, key)
		}
	}
	if x.vpcEndpoint != "" {
		keys["aws:sourcevpce"] = []string{x.vpcEndpoint}
	}
	if agent := x.r.UserAgent(); agent != "" {
		keys["aws:useragent"] = []string{agent}
	}
	if referer := x.r.Referer(); referer != "" {
		keys["aws:referer"] = []string{referer}
	}
	return keys
}
