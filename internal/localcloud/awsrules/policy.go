package awsrules

import (
	"encoding/json"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
)

// checkPolicy wants the policy at a property to be a JSON document with statements.
func checkPolicy(property string) func(properties) []schema.Failure {
	return func(in properties) []schema.Failure {
		text, ok := in[property].(string)
		if !ok {
			return nil
		}
		var document struct {
			Version   string
			Statement []properties
		}
		if err := json.Unmarshal([]byte(text), &document); err != nil {
			return wrong(property, "MalformedPolicyDocument: %s", err)
		}
		if document.Version != "2012-10-17" || len(document.Statement) == 0 {
			return wrong(property, "MalformedPolicyDocument: a Version of 2012-10-17 and a Statement are required")
		}
		for i, statement := range document.Statement {
			if effect := statement["Effect"]; effect != "Allow" && effect != "Deny" {
				return wrong(property, "MalformedPolicyDocument: statement %d has no Effect of Allow or Deny", i+1)
			}
		}
		return nil
	}
}
