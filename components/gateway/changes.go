package gateway

import (
	"errors"
	"fmt"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
)

// mayChange refuses in preview what AWS would refuse in the middle of an update.
func mayChange(before, after change.Inputs) error {
	return errors.Join(endpointMayChange(before, after), linkMayChange(before, after))
}

// endpointMayChange: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-api-migration.html
func endpointMayChange(before, after change.Inputs) error {
	from, to := EndpointType(before.Object("endpoint").Text("type")), EndpointType(after.Object("endpoint").Text("type"))
	switch domain := kept(before, after); {
	case from == "" || to == "" || from == to:
		return nil
	case from == Private && to == Edge:
		return errors.New("endpointType cannot change from PRIVATE to EDGE: change it to REGIONAL first, bring the stack up, and then to EDGE")
	case domain != "":
		// The record of the domain would lead to an endpoint that is not there yet, or not any more.
		return fmt.Errorf("endpointType cannot change from %s to %s under the domain %s: take the domain away or choose another, bring "+
			"the stack up, and set it again",
			from, to, domain)
	}
	return nil
}

// kept is a domain that the API had and still has; empty without one.
func kept(before, after change.Inputs) string {
	names := domainNames(before)
	for _, name := range domainNames(after) {
		if slices.Contains(names, name) {
			return name
		}
	}
	return ""
}

func domainNames(in change.Inputs) []string {
	var names []string
	if single := in.Object("domain").Text("name"); single != "" {
		names = append(names, single)
	}
	for _, domain := range in.Objects("domains") {
		names = append(names, change.Inputs(domain).Text("name"))
	}
	return names
}

// linkMayChange: other subnets make another load balancer and another VPC link, and the first link cannot go while the
// stage is held by a deployment that uses it.
func linkMayChange(before, after change.Inputs) error {
	held := after.Object("stage").Object("canary").Text("stableDeployment")
	old, new := before.Object("network").Texts("privateSubnetIds"), after.Object("network").Texts("privateSubnetIds")
	if held == "" || len(new) == 0 || !slices.ContainsFunc(old, func(id string) bool { return !slices.Contains(new, id) }) {
		return nil
	}
	return fmt.Errorf("the load balancer's subnets cannot change while stableDeployment %s holds the stage: that deployment uses the "+
		"VPC link that would go. "+
		"Take stableDeployment away first", held)
}
