package workload

import (
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
)

// mayChange: a Service leaves its port at once, while those who call it still ask for the old one. One of several ports may go, once no
// route leads to it.
func mayChange(before, after change.Inputs) error {
	service := after.Text("serviceName")
	if was := before.Text("serviceName"); was != "" && was != service {
		return fmt.Errorf("service %s cannot get the name %s: others ask for it by its name. Declare another service, and take this one away",
			was, service)
	}
	old, wanted := recordedPorts(before), recordedPorts(after)
	numbers := map[float64]bool{}
	for _, number := range wanted {
		numbers[number] = true
	}
	for name, from := range old {
		to, named := wanted[name]
		if named && to == from || numbers[from] || !named && len(old) > 1 || len(wanted) == 0 {
			continue
		}
		if !named {
			return fmt.Errorf("the port %v of service %s cannot go: requests on their way would fail. Add the new one beside it, move the "+
				"routes, bring the stack up, and take this one away", from, service)
		}
		return fmt.Errorf("the port of service %s cannot change from %v to %v: requests on their way would fail. Declare another port or "+
			"service with the new number, move the routes to it, bring the stack up, and take this one away", service, from, to)
	}
	return nil
}

// recordedPorts are the numbers of a Service's ports by name, as a state has them.
func recordedPorts(inputs change.Inputs) map[string]float64 {
	ports := map[string]float64{}
	if number, recorded := inputs["port"].(float64); recorded {
		ports[onlyPort] = number
	}
	list, _ := inputs["ports"].([]any)
	for _, item := range list {
		port, _ := item.(map[string]any)
		name, _ := port["name"].(string)
		if number, recorded := port["port"].(float64); recorded {
			ports[name] = number
		}
	}
	return ports
}
