package nginx

import (
	"maps"
	"regexp"
	"slices"
)

// defaultType is what API Gateway takes a body for that has no type:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
const defaultType = "application/json"

// refuseTypes answers 415 to a body of a type that no fragment describes, where one describes bodies: API Gateway looks at those
// for whose type it has a model, and lets all others pass.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
func (n *writer) refuseTypes(resource string) []directive {
	expectations := n.table.Expectations(resource)
	var entries []directive
	for _, verb := range slices.Sorted(maps.Keys(expectations)) {
		body := expectations[verb].Body
		if body == nil || body.Value == nil || len(body.Value.Content) == 0 {
			continue
		}
		for _, contentType := range slices.Sorted(maps.Keys(body.Value.Content)) {
			entries = append(entries, entry("~^"+verb+":"+regexp.QuoteMeta(contentType)+"[ \\t]*(;|$)", ""))
			if contentType == defaultType {
				entries = append(entries, entry("~^"+verb+":$", ""))
			}
		}
		entries = append(entries, entry("~^"+verb+":", "1"))
	}
	if len(entries) == 0 {
		return nil
	}
	undescribed := n.variable("$undescribed", "$request_method:$http_content_type", entries)
	return []directive{{"if", []argument{raw("(" + undescribed + ")")}, []directive{refusal(415, "Unsupported Media Type")}}}
}
