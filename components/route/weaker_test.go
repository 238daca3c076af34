package route_test

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/stretchr/testify/require"
)

func accessOf(t *testing.T, authorizers []route.Authorizer, routes ...route.Route) route.AccessTable {
	t.Helper()
	table, err := route.New(route.Table{Routes: routes, Authorizers: authorizers}, route.Options{AllowOverlaps: true})
	require.NoError(t, err)
	return table.Access()
}

func TestWeakerAccess(t *testing.T) {
	pool := func(arn string) []route.Authorizer {
		return []route.Authorizer{{Name: "members", Type: route.AuthorizerCognito, UserPoolARNs: []string{arn}}}
	}
	const first, second = "arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_a",
		"arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_b"
	at := func(path, namespace string, b route.Behavior) route.Route {
		return route.Route{Path: path, Match: route.Prefix, Backend: route.Backend{Namespace: namespace, Service: "s", Port: 80}, Behavior: b,
			Source: path}
	}
	iam, none, members := route.Behavior{}, route.Behavior{Auth: route.AuthNone}, route.Behavior{Auth: "members"}
	alice := route.Behavior{Callers: []string{"arn:aws:iam::111122223333:user/alice"}}
	for name, c := range map[string]struct {
		before, after route.AccessTable
		want          []string
	}{
		"nothing changed": {accessOf(t, nil, at("/a", "x", iam)), accessOf(t, nil, at("/a", "x", iam)), nil},
		"stronger":        {accessOf(t, nil, at("/a", "x", none)), accessOf(t, nil, at("/a", "x", iam)), nil},
		"to everybody": {accessOf(t, nil, at("/a", "x", iam)), accessOf(t, nil, at("/a", "x", none)),
			[]string{"/a: everybody may call it (auth iam becomes none)", "/a/*: everybody may call it (auth iam becomes none)"}},
		"a guard below goes": {accessOf(t, nil, at("/a", "x", none), at("/a/admin", "x", iam)), accessOf(t, nil, at("/a", "x", none)),
			[]string{"/a/admin: everybody may call it (auth iam becomes none)", "/a/admin/*: everybody may call it (auth iam becomes none)"}},
		"a new public path": {accessOf(t, nil, at("/a", "x", iam)), accessOf(t, nil, at("/a", "x", iam), at("/b", "x", none)),
			[]string{"/b: it is new, and everybody may call it (auth none)", "/b/*: it is new, and everybody may call it (auth none)"}},
		"a new guarded path": {accessOf(t, nil, at("/a", "x", iam)), accessOf(t, nil, at("/a", "x", iam), at("/b", "x", iam)), nil},
		"a caller more": {accessOf(t, nil, at("/a", "x", iam)), accessOf(t, nil, at("/a", "x", alice)),
			[]string{"/a: arn:aws:iam::111122223333:user/alice may call it", "/a/*: arn:aws:iam::111122223333:user/alice may call it"}},
		"a caller less": {accessOf(t, nil, at("/a", "x", alice)), accessOf(t, nil, at("/a", "x", iam)), nil},
		"another team": {accessOf(t, nil, at("/a", "x", iam)), accessOf(t, nil, at("/a", "x", iam), at("/a/b", "y", iam)),
			[]string{"/a/b: requests pass to namespace y instead of x", "/a/b/*: requests pass to namespace y instead of x"}},
		"another authorizer": {accessOf(t, pool(first), at("/a", "x", members)), accessOf(t, pool(second), at("/a", "x", members)),
			[]string{"/a: the authorizer members is not what it was", "/a/*: the authorizer members is not what it was"}},
		"from IAM to an authorizer": {accessOf(t, nil, at("/a", "x", iam)), accessOf(t, pool(first), at("/a", "x", members)),
			[]string{"/a: auth iam becomes members, which lets in others", "/a/*: auth iam becomes members, which lets in others"}},
		"no key": {accessOf(t, nil, at("/a", "x", route.Behavior{APIKeyRequired: true})), accessOf(t, nil, at("/a", "x", iam)),
			[]string{"/a: no API key is wanted any more", "/a/*: no API key is wanted any more"}},
		"more methods": {accessOf(t, nil, at("/a", "x", route.Behavior{Methods: []string{"GET"}})),
			accessOf(t, nil, at("/a", "x", route.Behavior{Methods: []string{"DELETE", "GET"}})),
			[]string{"/a: methods GET become DELETE,GET", "/a/*: methods GET become DELETE,GET"}},
		"fewer scopes": {accessOf(t, pool(first), at("/a", "x", route.Behavior{Auth: "members", Scopes: []string{"books/read"}})),
			accessOf(t, pool(first), at("/a", "x", members)),
			[]string{"/a: scopes books/read become any", "/a/*: scopes books/read become any"}},
	} {
		require.Equal(t, c.want, c.after.WeakerThan(c.before), name)
	}
}
