package command

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/apigateway-ingress/apigateway-ingress/policies"
	"github.com/stretchr/testify/require"
)

// What is advice stops nothing, and so is no violation.
func TestAdviceIsNoViolation(t *testing.T) {
	advice, broken := policies.Violation{Policy: "private-cluster", Advisory: true}, policies.Violation{Policy: "imds-v2"}
	for want, violations := range map[string][]policies.Violation{
		"2 resources keep to 1 policy.":                                           nil,
		"2 resources keep to 1 policy; 1 piece of advice.":                        {advice},
		"2 resources keep to 1 policy, but for 1 violation.":                      {broken},
		"2 resources keep to 1 policy, but for 2 violations; 2 pieces of advice.": {advice, broken, advice, broken},
	} {
		require.Equal(t, want, verdict(&operation.Judgment{Policies: map[string]string{"a": "b"}, Resources: 2, Violations: violations}))
	}
}
