package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// liveInputs of an API act at once. All others act when they are deployed, or may: an input that is not in this list
// makes a new deployment, so that one added later cannot be forgotten.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/updating-api.html
var liveInputs = []string{"name", "description", "tags", "failOnWarnings", "putRestApiMode"}

// frozen is a digest of everything that a deployment keeps as it was: the API's inputs, as they were written, because
// AWS gives a policy back in another form, and its API keys, of which AWS's list says that they wait for a deployment.
// Authorizers, models, validators, gateway responses and the link are in the definition.
func frozen(args *apigateway.RestApiArgs, keys []pulumi.StringOutput) pulumi.StringOutput {
	ids := pulumi.StringArray{}
	for _, id := range keys {
		ids = append(ids, id)
	}
	return pulumi.All(args, ids).ApplyT(func(values []any) (string, error) {
		inputs := map[string]any{"apiKeys": values[1]}
		written := reflect.Indirect(reflect.ValueOf(values[0]))
		for i := range written.NumField() {
			name, _, _ := strings.Cut(written.Type().Field(i).Tag.Get("pulumi"), ",")
			if value := written.Field(i); !slices.Contains(liveInputs, name) && !value.IsZero() {
				inputs[name] = value.Interface()
			}
		}
		// Keys are sorted, so that the same inputs have the same digest.
		encoded, err := json.Marshal(inputs)
		sum := sha256.Sum256(encoded)
		return hex.EncodeToString(sum[:]), err
	}).(pulumi.StringOutput)
}
