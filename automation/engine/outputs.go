package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Outputs are the stack's, secrets in plain text among them.
func (s *Session) Outputs(ctx context.Context) (auto.OutputMap, error) {
	state, err := s.State(ctx)
	if err != nil {
		return nil, err
	}
	hidden := state.PublicOutputs()
	out, errOut, _, err := s.run(ctx, "stack", "output", "--json", "--show-secrets")
	if err != nil {
		return nil, fmt.Errorf("outputs of stack %s: %w: %s", s.Stack.Name(), err, strings.TrimSpace(errOut))
	}
	var plain map[string]any
	if err := json.Unmarshal([]byte(out), &plain); err != nil {
		return nil, fmt.Errorf("outputs of stack %s: %w", s.Stack.Name(), err)
	}
	outputs := auto.OutputMap{}
	for name, value := range plain {
		outputs[name] = auto.OutputValue{Value: value, Secret: hidden[name].Secret}
	}
	return outputs, nil
}

// PublicOutputs are the stack's, with something meaningless in place of each secret. That needs no key.
func (s *State) PublicOutputs() auto.OutputMap {
	for _, r := range s.Resources {
		if r.Type == string(resource.RootStackType) {
			return HiddenOutputs(r.Outputs)
		}
	}
	return auto.OutputMap{}
}

// HiddenOutputs tells the secrets among outputs as they stand in states and events.
func HiddenOutputs(values map[string]any) auto.OutputMap {
	outputs := auto.OutputMap{}
	for name, value := range values {
		outputs[name] = auto.OutputValue{Value: value, Secret: hasSecret(value)}
	}
	return outputs
}

// hasSecret says whether a value is a hidden one, or has one in it.
func hasSecret(value any) bool {
	switch value := value.(type) {
	case map[string]any:
		if value[resource.SigKey] == resource.SecretSig {
			return true
		}
		for _, inner := range value {
			if hasSecret(inner) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(value, hasSecret)
	}
	return false
}
