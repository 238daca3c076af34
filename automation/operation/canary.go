package operation

import (
	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/components/gateway"
)

const (
	stageType      = "aws:apigateway/stage:Stage"
	deploymentType = "aws:apigateway/deployment:Deployment"
)

// olderDeployments are the notices about stages whose requests an older deployment answers, all of them or a part: what the
// stack declares about access is then not what holds.
func olderDeployments(resources []engine.Resource) []string {
	newest := map[string]bool{}
	for _, r := range resources {
		if r.Type == deploymentType && !r.Delete {
			newest[r.ID] = true
		}
	}
	var notices []string
	for _, r := range resources {
		serving, _ := r.Inputs["deployment"].(string)
		if r.Type != stageType || r.Delete || newest[serving] {
			continue
		}
		canary := gateway.Canary{StableDeployment: serving}
		if settings, isSet := r.Inputs["canarySettings"].(map[string]any); isSet {
			canary.Percent, _ = settings["percentTraffic"].(float64)
		}
		if notice := canary.Notice(); notice != "" {
			notices = append(notices, notice)
		}
	}
	return notices
}
