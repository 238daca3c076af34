package gateway

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
)

// addressee is the API of which a policy speaks. Its own ID is not known while the policy is written.
type addressee struct{ partition, region, account, stage string }

// apiID stands for the ten characters of an ID. An asterisk would match whole paths as well.
const apiID = "??????????"

// anyAccount stands for the digits of an account number.
const anyAccount = "????????????"

// arn is a resource in full. The short form is documented for Resource; whether API Gateway completes it in NotResource, too, is not.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html
func (a addressee) arn(resource string) string {
	return fmt.Sprintf("arn:%s:execute-api:%s:%s:%s/%s/%s", cmp.Or(a.partition, "aws"), a.region, cmp.Or(a.account, anyAccount), apiID,
		a.stage, resource)
}

// short is a resource in the form that API Gateway completes.
func (a addressee) short(resource string) string { return "execute-api:/" + a.stage + "/" + resource }

// everyMethodName are all methods; GET and PUT are the only ones of three letters. An asterisk would match slashes, and so a
// part of the path as well; and "?????" would match "GET/a".
var everyMethodName = []string{"???", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"}

// resources are METHOD/path of everything that is served at a path, or below it. Policies are asked about the request's own path.
func resources(path string, methods map[string]bool, below bool) []string {
	names := slices.Sorted(maps.Keys(methods))
	if methods[route.AnyMethod] {
		names = everyMethodName
	}
	if below {
		path = strings.TrimSuffix(path, "/") + "/*"
	}
	list := make([]string, 0, len(names))
	for _, name := range names {
		list = append(list, name+path)
	}
	return list
}

// reach is which resources a caller may call: only some, and of these not all; or all, and nothing needs to be said.
type reach struct {
	all         bool
	only, never []string
}

// reachOf goes through the paths from the root on. A subtree is open to the caller as a whole where nothing in it is closed,
// or where its own route is open; then what is closed within is taken away again. A policy cannot give back a part of that.
func reachOf(caller string, locations []route.Location) (reach, error) {
	w := reaching{caller: caller, locations: locations, reach: reach{all: true}, open: map[string]bool{}, taken: map[string]bool{}}
	for _, path := range pathsOf(locations) {
		if err := w.path(path); err != nil {
			return reach{}, err
		}
	}
	return w.reach, nil
}

// reaching is a walk through the paths.
type reaching struct {
	caller    string
	locations []route.Location
	reach     reach
	// open are the subtrees that the caller may call as a whole, and taken those of which something was taken away again.
	open, taken map[string]bool
}

// path adds a path and what is below it.
func (w *reaching) path(path string) error {
	itself, err := w.part(path, false)
	if err != nil {
		return err
	}
	subtree, err := w.part(path, true)
	if err != nil {
		return err
	}
	if subtree.allowed && !itself.allowed && len(itself.within) > 0 {
		// A subtree has the path with a slash at its end as well, which API Gateway takes for the path itself.
		w.reach.never = append(w.reach.never, resources(strings.TrimSuffix(path, "/")+"/", methodsOf(subtree.within), false)...)
	}
	w.open[path], w.taken[path] = subtree.allowed, subtree.closed
	return nil
}

// part is a path, or what is below it.
type part struct {
	within          []route.Location
	allowed, closed bool
}

func (w *reaching) part(path string, below bool) (part, error) {
	above := enclosing(path)
	l, locations := within(w.locations, path, below)
	p := part{within: locations, allowed: w.open[above], closed: w.taken[above]}
	switch {
	case len(locations) > 0 && all(locations, w.caller):
		p.allowed = true
	case l != nil && l.First.Behavior.Auth == route.AuthIAM:
		p.allowed = mayCall(w.caller, l.First.Behavior)
	}
	switch {
	case p.allowed && p.closed:
		return p, fmt.Errorf("%s: client-arns names %s, who may not call the paths around it, but those around these: a resource policy "+
			"cannot say that; name the same callers on the way, or choose another path", locations[0].First.Source, w.caller)
	case p.allowed && !w.open[above]:
		w.reach.only = append(w.reach.only, resources(path, methodsOf(locations), below)...)
	case !p.allowed && w.open[above]:
		w.reach.never, p.closed = append(w.reach.never, resources(path, methodsOf(locations), below)...), true
	}
	w.reach.all = w.reach.all && (p.allowed || len(locations) == 0)
	return p, nil
}

// pathsOf are the paths of the locations and those above them, the shorter ones first.
func pathsOf(locations []route.Location) []string {
	paths := map[string]bool{}
	for _, l := range locations {
		for path := l.Path; path != ""; path = enclosing(path) {
			paths[path] = true
		}
	}
	return slices.Sorted(maps.Keys(paths))
}

// within finds a location, and those that ask for an IAM identity among it and what is below.
func within(locations []route.Location, path string, below bool) (at *route.Location, asking []route.Location) {
	for i, l := range locations {
		itself := l.Path == path && l.Below == below
		if itself {
			at = &locations[i]
		}
		if (itself || below && l.Path != path && strings.HasPrefix(l.Path, strings.TrimSuffix(path, "/")+"/")) &&
			l.First.Behavior.Auth == route.AuthIAM {
			asking = append(asking, l)
		}
	}
	return at, asking
}

func all(locations []route.Location, caller string) bool {
	return !slices.ContainsFunc(locations, func(l route.Location) bool { return !mayCall(caller, l.First.Behavior) })
}

func methodsOf(locations []route.Location) map[string]bool {
	methods := map[string]bool{}
	for _, l := range locations {
		for _, name := range l.Methods {
			methods[name] = true
		}
	}
	return methods
}

// enclosing is the path of the subtree to which a path belongs.
func enclosing(path string) string {
	switch cut := strings.LastIndexByte(path, '/'); {
	case path == "/":
		return ""
	case cut > 0:
		return path[:cut]
	}
	return "/"
}

// mayCall says whether a route names the caller, or the account of the caller.
func mayCall(caller string, b route.Behavior) bool {
	return slices.Contains(b.Callers, caller) || slices.Contains(b.Callers, rootOf(caller))
}

// rootOf is the whole account of a caller.
func rootOf(caller string) string {
	parts := strings.SplitN(caller, ":", 6)
	if len(parts) < 6 {
		return caller
	}
	return strings.Join(append(parts[:5:5], "root"), ":")
}

// routeCallers are those whom some route names, and who may not call the whole API anyway.
func routeCallers(routes *route.Table, everywhere []string) []string {
	named := map[string]bool{}
	if routes != nil {
		for _, r := range routes.Routes {
			for _, caller := range r.Behavior.Callers {
				if !slices.Contains(everywhere, caller) && !slices.Contains(everywhere, rootOf(caller)) {
					named[caller] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(named))
}

// confine denies the callers of routes everything else. They are allowed the API like all callers, and a Deny wins; without
// it an identity policy of the API's own account would open the rest. Callers who may call the same share a statement.
func (d *policyDocument) confine(api addressee, routes *route.Table, callers, everywhere []string) error {
	if len(callers) == 0 {
		return nil
	}
	locations := routes.Locations()
	alike := map[string][]string{}
	reaches := map[string]reach{}
	for _, caller := range callers {
		r, err := reachOf(caller, locations)
		if err != nil {
			return err
		}
		if r.all {
			continue
		}
		key := fmt.Sprint(r)
		alike[key], reaches[key] = append(alike[key], caller), r
	}
	for i, key := range slices.Sorted(maps.Keys(alike)) {
		for j, who := range conditionsFor(alike[key], slices.Concat(callers, everywhere)) {
			sid := fmt.Sprintf("Confine%dx%d", i+1, j+1)
			d.Statement = append(d.Statement, statement{
				Sid: sid, Effect: "Deny", Principal: "*", Action: invoke, NotResource: each(reaches[key].only, api.arn), Condition: who,
			})
			if never := reaches[key].never; len(never) > 0 {
				d.Statement = append(d.Statement, statement{
					Sid: sid + "Within", Effect: "Deny", Principal: "*", Action: invoke, Resource: each(never, api.short), Condition: who,
				})
			}
		}
	}
	return nil
}

// conditionsFor are conditions that hold for some callers: one for the users and roles, and one for each account, of which
// those are left out who are named by themselves.
func conditionsFor(callers, all []string) []condition {
	var list []condition
	principals, accounts := splitCallers(callers)
	if len(principals) > 0 {
		list = append(list, condition{"ArnEquals": {"aws:PrincipalArn": principals}})
	}
	for _, account := range accounts {
		who := condition{"StringEquals": {"aws:PrincipalAccount": accountIDs([]string{account})}}
		named := slices.DeleteFunc(slices.Clone(all), func(arn string) bool { return arn == account || rootOf(arn) != account })
		if len(named) > 0 {
			slices.Sort(named)
			who["ArnNotEquals"] = map[string][]string{"aws:PrincipalArn": slices.Compact(named)}
		}
		list = append(list, who)
	}
	return list
}

func each(resources []string, written func(string) string) []string {
	list := make([]string, len(resources))
	for i, resource := range resources {
		list[i] = written(resource)
	}
	return list
}
