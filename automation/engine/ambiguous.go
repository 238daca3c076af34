package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// ambiguous reports the values of a config that are read as something else than what is written: 0123 is 83, a version 1.30
// is 1.3, and an account's number loses its zeros. The CLI would hand on what is read, and nobody would know.
func ambiguous(path, place string, node *yaml.Node) error {
	var problems []error
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			problems = append(problems, ambiguous(path, strings.TrimPrefix(place+"."+node.Content[i].Value, "."), node.Content[i+1]))
		}
	case yaml.SequenceNode:
		for i, item := range node.Content {
			problems = append(problems, ambiguous(path, fmt.Sprintf("%s[%d]", place, i), item))
		}
	case yaml.ScalarNode:
		if read := readAs(node); read != node.Value {
			problems = append(problems, fmt.Errorf("%s:%d: config %s: %s is read as %s: write that, or put what is meant in quotes",
				path, node.Line, place, node.Value, read))
		}
	}
	return errors.Join(problems...)
}

// readAs is the text of what a value is read as.
func readAs(node *yaml.Node) string {
	switch node.ShortTag() {
	case "!!int", "!!float", "!!timestamp":
	default:
		return node.Value
	}
	var value any
	if err := node.Decode(&value); err != nil {
		// The reader of the whole file says so.
		return node.Value
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(encoded)
}
