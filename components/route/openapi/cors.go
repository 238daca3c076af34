package openapi

import (
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
)

// withCORS lets browsers read API Gateway's own answers, without which a page sees a refused or throttled request as a
// network error. These answers are one for the whole API: they name the origin where all routes share one, and else any,
// without credentials. An origin is never reflected.
func withCORS(t *route.Table, responses []GatewayResponse) []GatewayResponse {
	headers := corsHeaders(t)
	if headers == nil {
		return responses
	}
	responses = slices.Clone(responses)
	for _, kind := range []string{"DEFAULT_4XX", "DEFAULT_5XX"} {
		if !slices.ContainsFunc(responses, func(r GatewayResponse) bool { return r.Type == kind }) {
			responses = append(responses, GatewayResponse{Type: kind})
		}
	}
	for i := range responses {
		merged := map[string]string{}
		for _, source := range []map[string]string{headers, responses[i].Headers} {
			for name, value := range source {
				merged[name] = value
			}
		}
		responses[i].Headers = merged
	}
	return responses
}

// corsHeaders are nil where no route has a policy.
func corsHeaders(t *route.Table) map[string]string {
	var shared *route.CORS
	for _, r := range t.Routes {
		policy := r.Behavior.CORS
		switch {
		case policy == nil:
		case shared == nil:
			shared = &route.CORS{Origins: policy.Origins, Credentials: policy.Credentials}
		case !slices.Equal(shared.Origins, policy.Origins):
			return map[string]string{"Access-Control-Allow-Origin": "*"}
		default:
			shared.Credentials = shared.Credentials && policy.Credentials
		}
	}
	switch {
	case shared == nil:
		return nil
	case len(shared.Origins) != 1 || shared.Origins[0] == "*":
		return map[string]string{"Access-Control-Allow-Origin": "*"}
	case shared.Credentials:
		return map[string]string{"Access-Control-Allow-Origin": shared.Origins[0], "Access-Control-Allow-Credentials": "true"}
	}
	return map[string]string{"Access-Control-Allow-Origin": shared.Origins[0]}
}
