package operation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/apigateway-ingress/apigateway-ingress/internal/wholefile"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
)

// admitNewResources lets a plan of a first deployment be kept. What a component says about a resource that is yet to be made
// has no id in the plan and one afterward, and the engine takes any difference for a violation: eks:index:Cluster refers to
// its cluster so (https://github.com/pulumi/pulumi-eks/blob/master/nodejs/eks/cluster/cluster.ts). Such a reference is as
// unknown as the id in it. The resource itself is planned, with all its inputs.
func admitNewResources(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	var plan map[string]any
	if err := decoder.Decode(&plan); err != nil {
		return fmt.Errorf("plan %s: %w", path, err)
	}
	resources, _ := plan["resourcePlans"].(map[string]any)
	for _, planned := range resources {
		goal, _ := object(planned)["goal"].(map[string]any)
		if outputs := object(goal["outputDiff"]); outputs != nil {
			goal["outputDiff"] = withoutNewReferences(outputs)
		}
	}
	encoded, err := json.MarshalIndent(plan, "", "    ")
	if err != nil {
		return err
	}
	return wholefile.Write(path, encoded)
}

func object(value any) map[string]any {
	o, _ := value.(map[string]any)
	return o
}

// withoutNewReferences puts an unknown value in place of each reference to a resource without an id.
func withoutNewReferences(value any) any {
	switch v := value.(type) {
	case map[string]any:
		id, hasID := v["id"].(string)
		if v[resource.SigKey] == resource.ResourceReferenceSig && hasID && (id == "" || id == plugin.UnknownStringValue) {
			return plugin.UnknownStringValue
		}
		for key, inner := range v {
			v[key] = withoutNewReferences(inner)
		}
	case []any:
		for i, inner := range v {
			v[i] = withoutNewReferences(inner)
		}
	}
	return value
}
