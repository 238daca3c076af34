package operation

import (
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/awscloud"
	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
)

// RouteStatus is a route of the stack's config with the health of its Service.
type RouteStatus struct {
	route.Row
	Health awscloud.Health `json:"health"`
	Detail string          `json:"detail,omitempty"`
}

// routeStatus is empty for a config that is not valid, which every operation that needs one says. The health of a Service is
// that of its pods; of one that the stack neither makes nor looks up nobody is asked.
func (s *site) routeStatus(resources []engine.Resource, hops []awscloud.Hop) []RouteStatus {
	settings, err := readConfig(s.project, s.Manifests)
	if err != nil {
		return nil
	}
	table, err := settings.Routes()
	if err != nil {
		return nil
	}
	byService := map[string]awscloud.Hop{}
	for _, r := range resources {
		for _, hop := range hops {
			if hop.URN == r.URN && strings.HasPrefix(r.Type, "kubernetes:") {
				byService[r.ID] = hop
			}
		}
	}
	var routes []RouteStatus
	for _, row := range table.Rows() {
		status := RouteStatus{Row: row, Health: awscloud.Unknown}
		if hop, known := byService[row.Namespace+"/"+row.Service]; known {
			status.Health, status.Detail = hop.Health, hop.Detail
		}
		routes = append(routes, status)
	}
	return routes
}
