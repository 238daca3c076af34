package awscloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	gatewaytypes "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	awspolicy "github.com/hashicorp/awspolicyequivalence"
)

// ErrPolicy says that the resource policy in force is not the declared one. What it admits is not known then.
var ErrPolicy = errors.New("the resource policy in force is not the declared one")

// CheckPolicies reads the resource policy of every REST API of a stack back and compares it with the declared one.
func (a *Account) CheckPolicies(ctx context.Context, resources []engine.Resource) error {
	var problems []error
	for _, r := range resources {
		if r.Type != "aws:apigateway/restApi:RestApi" || r.Delete {
			continue
		}
		_, err := a.policy(ctx, r)
		switch {
		case errors.Is(err, errBroken):
			problems = append(problems, fmt.Errorf("REST API %s: %w: %w", r.ID, ErrPolicy, err))
		case err != nil:
			problems = append(problems, fmt.Errorf("REST API %s: its resource policy cannot be read back: %w", r.ID, err))
		}
	}
	return errors.Join(problems...)
}

func (a *Account) policy(ctx context.Context, r engine.Resource) (string, error) {
	found, err := a.gateway.GetRestApi(ctx, &apigateway.GetRestApiInput{RestApiId: &r.ID})
	if missing := new(gatewaytypes.NotFoundException); errors.As(err, &missing) {
		return "", broken("the API is gone: run refresh, then up")
	}
	if err != nil {
		return "", err
	}
	live, err := unescape(aws.ToString(found.Policy))
	if err != nil {
		return "", err
	}
	declared := input(r, "policy")
	switch {
	case declared == "" && live == "":
		return "", broken("there is none")
	case live == "":
		return "", broken("it is gone: whoever took it away, up puts it back after refresh")
	}
	arn, _ := r.Outputs["executionArn"].(string)
	same, err := awspolicy.PoliciesAreEquivalent(expand(declared, arn), expand(live, arn))
	if err != nil {
		return "", err
	}
	if !same {
		return "", broken("it was changed: run refresh, then up, and find out who did it")
	}
	return "as declared", nil
}

// unescape undoes what API Gateway does to a policy in its answers: quotation marks and slashes come with backslashes,
// https://docs.aws.amazon.com/apigateway/latest/api/API_GetRestApi.html
func unescape(policy string) (string, error) {
	if policy == "" || json.Valid([]byte(policy)) {
		return policy, nil
	}
	var text string
	if err := json.Unmarshal([]byte(`"`+policy+`"`), &text); err != nil {
		return "", fmt.Errorf("its text cannot be read: %w", err)
	}
	return text, nil
}

// expand writes the short form of a resource, execute-api:/prod/GET/x, as API Gateway keeps it: with the API's ARN.
func expand(policy, executionARN string) string {
	return strings.ReplaceAll(policy, `"execute-api:/`, `"`+executionARN+`/`)
}
