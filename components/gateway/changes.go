package gateway

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// mayChange refuses in preview what AWS would refuse in the middle of an update. outputs are those of before.
func mayChange(outputs, before, after change.Inputs) error {
	return errors.Join(endpointMayChange(before, after), linkMayChange(before, after), stageMayChange(before, after),
		basePathsMayChange(before, after), domainMayMove(before, after), stableMayServe(outputs.Text("deploymentId"), before, after))
}

// stableMayServe: an older deployment needs the routes of then from NGINX, which has those of the newest manifests alone. It may
// hold the stage from the update on in which it is no more the newest, while no route of it goes. last is the newest of before.
func stableMayServe(last string, before, after change.Inputs) error {
	held := func(in change.Inputs) string { return in.Object("stage").Object("canary").Text("stableDeployment") }
	wanted := held(after)
	if wanted == "" || last == "" || len(before.Texts(servedInput)) == 0 {
		return nil
	}
	if wanted != last && wanted != held(before) {
		return fmt.Errorf("stableDeployment %s is not the deployment of the last update, %s: NGINX may not have the routes any more that it "+
			"needs. Bring the stack up with the manifests of then instead", wanted, last)
	}
	kept := after.Texts(servedInput)
	for _, route := range before.Texts(servedInput) {
		if !slices.Contains(kept, route) {
			return fmt.Errorf("%s cannot go or change while stableDeployment %s holds the stage: NGINX would answer 404 there. Take "+
				"stableDeployment away first", route, wanted)
		}
	}
	return nil
}

// servedInput are the routes that a deployment needs from NGINX, as the component's state records them.
const servedInput = "served"

func (a Args) served() pulumi.StringArray {
	var routes pulumi.StringArray
	for _, r := range a.Routes.Routes {
		routes = append(routes, pulumi.String(fmt.Sprintf("route %s%s (%s) to %s/%s:%d", r.Host, r.Path, r.Match, r.Backend.Namespace,
			r.Backend.Service, r.Backend.Port)))
	}
	return routes
}

// domainMayMove: a domain that moves between the keys would be made anew while it is there, which API Gateway refuses.
func domainMayMove(before, after change.Inputs) error {
	was, is := before.Object("domain").Text("name"), after.Object("domain").Text("name")
	in := func(list []map[string]any, name string) bool {
		return name != "" && slices.ContainsFunc(list, func(d map[string]any) bool { return d["name"] == name })
	}
	if in(after.Objects("domains"), was) {
		return fmt.Errorf("domain %s cannot move from domainName to domains: keep it in domainName", was)
	}
	if in(before.Objects("domains"), is) {
		return fmt.Errorf("domain %s cannot move from domains to domainName: keep it in domains", is)
	}
	return nil
}

// stageMayChange: a stage cannot be renamed, and its name is in the address of the execute-api endpoint.
// https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateStage.html
func stageMayChange(before, after change.Inputs) error {
	from, to := before.Object("stage").Text("name"), after.Object("stage").Text("name")
	byDomain := before.Object("domain").True("onlyDomain") && after.Object("domain").True("onlyDomain")
	if from == "" || to == "" || from == to || byDomain {
		return nil
	}
	return fmt.Errorf("stageName cannot change from %s to %s: it is in the address of the API, and the old one would end. Give the API "+
		"a domain, move the callers there, set onlyDomain and bring the stack up, and then change it", from, to)
}

// basePathsMayChange: what clients ask for below a domain that stays begins with its base path.
func basePathsMayChange(before, after change.Inputs) error {
	was := basePaths(before)
	now := basePaths(after)
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(was)) {
		if path, there := now[name]; there && path != was[name] {
			problems = append(problems, fmt.Errorf("the base path of domain %s cannot change from %q to %q: the old addresses would end. "+
				"Add another domain with the new base path, move the callers there, and take this one away", name, was[name], path))
		}
	}
	return errors.Join(problems...)
}

func basePaths(in change.Inputs) map[string]string {
	paths := map[string]string{}
	for _, domain := range append(in.Objects("domains"), in.Object("domain")) {
		if name := change.Inputs(domain).Text("name"); name != "" {
			paths[name] = change.Inputs(domain).Text("basePath")
		}
	}
	return paths
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
