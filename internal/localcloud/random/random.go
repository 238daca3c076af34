// Package random stands for the provider of the same name: it makes secrets, which only the engine's state keeps.
// https://www.pulumi.com/registry/packages/random/api-docs/randompassword/
package random

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/provider"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
)

// Password is the one type that is served.
const Password = "random:index/randomPassword:RandomPassword"

// Package makes instances without any configuration.
type Package struct{}

// Configure accepts what there is: the provider has no settings.
func (Package) Configure(map[string]string) (provider.Instance, error) { return instance{}, nil }

type instance struct{}

var shape = schema.Of((*random.RandomPasswordArgs)(nil))

// defaults and characters are the provider's:
// https://registry.terraform.io/providers/hashicorp/random/latest/docs/resources/password
var (
	defaults = map[string]any{"lower": true, "upper": true, "numeric": true, "special": true, "minLower": 0.0, "minUpper": 0.0,
		"minNumeric": 0.0, "minSpecial": 0.0}
	characters = map[string]string{
		"Lower": "abcdefghijklmnopqrstuvwxyz", "Upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "Numeric": "0123456789", "Special": "!@#$%&*()-_=+[]{}<>:?",
	}
	groups = slices.Sorted(maps.Keys(characters))
)

func (instance) Check(token, _ string, _, news map[string]any, _ []byte) (map[string]any, []schema.Failure, error) {
	if token != Password {
		return nil, nil, fmt.Errorf("the local target does not know the resource type %s", token)
	}
	failures := shape.Check(news)
	inputs := maps.Clone(defaults)
	maps.Copy(inputs, news)
	length, known := inputs["length"].(float64)
	if minimum := total(inputs); len(failures) == 0 && known && length < max(1, minimum) {
		failures = append(failures, schema.Failure{Property: "length",
			Reason: fmt.Sprintf("must be at least 1 and at least %v, the sum of the minimums", minimum)})
	}
	if len(failures) == 0 && alphabet(inputs) == "" {
		failures = append(failures, schema.Failure{Property: "lower", Reason: "at least one of lower, upper, numeric and special must be true"})
	}
	return inputs, failures, nil
}

func total(inputs map[string]any) float64 {
	sum := 0.0
	for _, group := range groups {
		n, _ := inputs["min"+group].(float64)
		sum += n
	}
	return sum
}

func alphabet(inputs map[string]any) string {
	all := ""
	for _, group := range groups {
		all += charactersOf(group, inputs)
	}
	return all
}

func charactersOf(group string, inputs map[string]any) string {
	flag := map[string]string{"Lower": "lower", "Upper": "upper", "Numeric": "numeric", "Special": "special"}[group]
	if inputs[flag] != true {
		return ""
	}
	if override, _ := inputs["overrideSpecial"].(string); group == "Special" && override != "" {
		return override
	}
	return characters[group]
}

// Diff: every input that changes makes a new password.
func (instance) Diff(_ string, olds, news map[string]any) (provider.Diff, error) {
	var changed []string
	for name := range news {
		if fmt.Sprint(olds[name]) != fmt.Sprint(news[name]) {
			changed = append(changed, name)
		}
	}
	for name := range olds {
		if _, stays := news[name]; !stays {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	return provider.Diff{Changed: changed, Replaced: changed}, nil
}

func (instance) Preview(_ string, inputs map[string]any) (map[string]any, error) { return inputs, nil }

func (instance) Create(_ context.Context, _, _ string, inputs map[string]any) (string, map[string]any, error) {
	var secret []byte
	for _, group := range groups {
		if least, _ := inputs["min"+group].(float64); least > 0 {
			secret = append(secret, draw(charactersOf(group, inputs), int(least))...)
		}
	}
	length, _ := inputs["length"].(float64)
	secret = append(secret, draw(alphabet(inputs), int(length)-len(secret))...)
	for i := len(secret) - 1; i > 0; i-- {
		j := number(i + 1)
		secret[i], secret[j] = secret[j], secret[i]
	}
	outputs := maps.Clone(inputs)
	outputs["result"] = string(secret)
	// The provider's id says nothing about the password.
	return "none", outputs, nil
}

func draw(from string, n int) []byte {
	drawn := make([]byte, n)
	for i := range drawn {
		drawn[i] = from[number(len(from))]
	}
	return drawn
}

func number(below int) int {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(below)))
	if err != nil {
		// It never fails: https://pkg.go.dev/crypto/rand#Read
		return 0
	}
	return int(n.Int64())
}

// Read gives back what the engine knows: there is nothing else to read.
func (instance) Read(string, string) (inputs, outputs map[string]any) { return nil, nil }

// InStateOnly says that refresh believes the engine's state.
func (instance) InStateOnly() {}

func (instance) Update(_ context.Context, token, _ string, _ map[string]any) (map[string]any, error) {
	return nil, fmt.Errorf("%s cannot be updated", token)
}

func (instance) Delete(context.Context, string, string) error { return nil }

func (instance) Invoke(token string, _ map[string]any) (map[string]any, error) {
	return nil, fmt.Errorf("the local target does not know the function %s", token)
}
