// Package variants has another value for each config key, and each field of one that is an object, for what looks at changes of
// a stack: that each has an effect, and what becomes of a living stack.
package variants

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"sigs.k8s.io/yaml"
)

//go:embed variants.yaml
var document []byte

// Variant is a change of one key.
type Variant struct {
	// Key is the key's name, with [] and the field's name behind it for a field of an object.
	Key string `json:"key"`
	// With is the config beside it.
	With map[string]any `json:"with"`
	// From is the value before, nil for none, and To the one after.
	From any `json:"from"`
	To   any `json:"to"`
	// Callers is what they notice because somebody wanted it.
	Callers string `json:"callers"`
	// Told is what happens where no stack can be changed so without others, and By the test that holds it.
	Told string `json:"told"`
	By   string `json:"by"`
}

// All are in the order of the page about config.
func All() ([]Variant, error) {
	var all []Variant
	if err := yaml.UnmarshalStrict(document, &all); err != nil {
		return nil, fmt.Errorf("variants.yaml: %w", err)
	}
	return all, nil
}

// Text is a value as Pulumi hands it to programs: text as it is, everything else as JSON.
func Text(value any) (string, error) {
	if text, ok := value.(string); ok {
		return text, nil
	}
	encoded, err := json.Marshal(value)
	return string(encoded), err
}
