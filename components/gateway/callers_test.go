package gateway

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/identity"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const (
	operator = "arn:aws:iam::111122223333:user/operator"
	alice    = "arn:aws:iam::111122223333:user/alice"
	bob      = "arn:aws:iam::111122223333:role/bob"
	carol    = "arn:aws:iam::444455556666:user/carol"
	partners = "arn:aws:iam::444455556666:root"
	stranger = "arn:aws:iam::111122223333:user/stranger"
)

var testAPI = addressee{partition: "aws", region: "us-east-1", account: "111122223333", stage: "prod"}

// decide asks a policy about a request, for an identity whose own policy allows every API.
func decide(t require.TestingT, policy, caller, method, path string) bool {
	absolute := strings.ReplaceAll(policy, `"execute-api:/`, `"arn:aws:execute-api:us-east-1:111122223333:abcdefghij/`)
	parsed, err := identity.ParsePolicy(absolute)
	require.NoError(t, err)
	own, err := identity.ParsePolicy(`{"Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*"}]}`)
	require.NoError(t, err)
	account := strings.Split(caller, ":")[4]
	request := identity.Request{
		Principal: identity.Principal{ARN: caller, Account: account}, Action: "execute-api:Invoke",
		Resource: "arn:aws:execute-api:us-east-1:111122223333:abcdefghij/prod/" + method + path,
		Context:  map[string][]string{"aws:principalarn": {caller}, "aws:principalaccount": {account}},
	}
	return identity.Authorize(request, "111122223333", []*identity.Policy{own}, parsed) == identity.Allow
}

func tableOf(t require.TestingT, routes ...route.Route) *route.Table {
	for i := range routes {
		routes[i].Backend = route.Backend{Namespace: "default", Service: "s", Port: 80}
		routes[i].Source = fmt.Sprintf("x.yaml:%d: ingress default/a: rule 1 path 1 %q", i+1, routes[i].Path)
	}
	table, err := route.New(route.Table{Routes: routes}, route.Options{})
	require.NoError(t, err)
	return table
}

func TestCallersOfARouteMayCallItOnly(t *testing.T) {
	table := tableOf(t,
		route.Route{Path: "/", Match: route.Prefix},
		route.Route{Path: "/team", Match: route.Prefix, Behavior: route.Behavior{Callers: []string{alice, partners}}},
		route.Route{Path: "/team/secret", Match: route.Prefix, Behavior: route.Behavior{Callers: []string{bob}, Methods: []string{"GET"}}},
		route.Route{Path: "/open", Match: route.Exact, Behavior: route.Behavior{Auth: route.AuthNone}},
	)
	policy, err := Settings{}.policyText(testAPI, table, []string{operator}, nil)
	require.NoError(t, err)
	for _, c := range []struct {
		caller, method, path string
		want                 bool
	}{
		{operator, "GET", "/", true}, {operator, "DELETE", "/team/x", true}, {operator, "GET", "/team/secret", true},
		{alice, "GET", "/team", true}, {alice, "OPTIONS", "/team/x/y", true}, {alice, "GET", "/", false}, {alice, "GET", "/teammates", false},
		{alice, "GET", "/team/secret/x", false}, {alice, "GET", "/te%61m", false},
		// What stands for a method or for an ID must not match a part of the path.
		{alice, "GET", "/other/prod/GET/team", false}, {alice, "GET", "/x:abcdefghij/prod/GET/team", false},
		{bob, "GET", "/team/secret/x", true}, {bob, "POST", "/team/secret/x", false}, {bob, "GET", "/team", false},
		{carol, "PATCH", "/team/x", true}, {carol, "GET", "/shop", false},
		{stranger, "GET", "/team", false}, {stranger, "GET", "/", false},
	} {
		require.Equal(t, c.want, decide(t, policy, c.caller, c.method, c.path), "%+v\n%s", c, policy)
	}
}

// Whatever the table, an identity gets where its callers say and nowhere else, or there is no policy at all.
func TestPoliciesAgreeWithTheTable(t *testing.T) {
	sets := [][]string{nil, {alice}, {bob}, {alice, bob}, {partners}, {carol}, {alice, partners}}
	paths := []string{"/", "/a", "/a/b", "/a/b/c", "/b", "/b/a"}
	rapid.Check(t, func(rt *rapid.T) {
		byPath := map[string]route.Route{}
		for range rapid.IntRange(1, 5).Draw(rt, "routes") {
			path := rapid.SampledFrom(paths).Draw(rt, "path")
			byPath[path] = route.Route{
				Path: path, Match: rapid.SampledFrom([]route.Match{route.Exact, route.Prefix}).Draw(rt, "match"),
				Behavior: route.Behavior{Callers: rapid.SampledFrom(sets).Draw(rt, "callers")},
			}
		}
		var routes []route.Route
		for _, path := range paths {
			if r, drawn := byPath[path]; drawn {
				routes = append(routes, r)
			}
		}
		table := tableOf(rt, routes...)
		policy, err := Settings{}.policyText(testAPI, table, []string{operator}, nil)
		if err != nil {
			require.Regexp(rt, "a resource policy cannot say that|more than the 8192 that AWS allows", err.Error())
			return
		}
		for _, path := range append(slices.Clone(paths), "/a/x", "/a/b/x", "/a/b/c/x", "/b/x", "/x") {
			decision := decisionOf(table, path)
			for _, caller := range []string{operator, alice, bob, carol, stranger} {
				want := decision != nil && (caller == operator || mayCall(caller, decision.Behavior))
				if got := decide(rt, policy, caller, "GET", path); decision != nil && got != want {
					rt.Fatalf("%s calls %s: %v, and the table says %v\n%s", caller, path, got, want, policy)
				}
				// API Gateway takes a path with a slash at its end for the one without, and may ask the policy about either.
				if decision != nil && !want && path != "/" && decide(rt, policy, caller, "GET", path+"/") {
					rt.Fatalf("%s calls %s with a slash at its end, and may not call it\n%s", caller, path, policy)
				}
			}
		}
	})
}

// decisionOf is the route that serves a path, by the rules of the Ingress API.
func decisionOf(table *route.Table, path string) *route.Route {
	var best *route.Route
	for i, r := range table.Routes {
		matches := r.Path == path || r.Match == route.Prefix && strings.HasPrefix(path, strings.TrimSuffix(r.Path, "/")+"/")
		if matches && (best == nil || len(r.Path) > len(best.Path)) {
			best = &table.Routes[i]
		}
	}
	return best
}

func TestTooManyCallersSayWhatToDo(t *testing.T) {
	var routes []route.Route
	for i := range 40 {
		routes = append(routes, route.Route{Path: fmt.Sprintf("/service%d", i), Match: route.Prefix,
			Behavior: route.Behavior{Callers: [][]string{{alice}, {bob}}[i%2]}})
	}
	err := Settings{}.check("us-east-1", tableOf(t, routes...))
	require.ErrorContains(t, err, "more than the 8192 that AWS allows")
	require.ErrorContains(t, err, "client-arns take room for each method of each path")
}
