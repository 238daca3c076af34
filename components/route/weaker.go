package route

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Access is who gets to a resource of API Gateway, and to whose services.
type Access struct {
	Auth Auth `json:"auth"`
	// Authorizer is a digest of the authorizer that Auth names.
	Authorizer string   `json:"authorizer,omitempty"`
	Callers    []string `json:"callers,omitempty"`
	Scopes     []string `json:"scopes,omitempty"`
	APIKey     bool     `json:"apiKey,omitempty"`
	// Methods are those that are let through; empty lets all.
	Methods []string `json:"methods,omitempty"`
	// Namespaces are those whose services requests go to, for any host.
	Namespaces []string `json:"namespaces"`
}

// AccessTable is the access to each resource: see Location.Resource.
type AccessTable map[string]Access

// Access says who gets to what.
func (t *Table) Access() AccessTable {
	table := AccessTable{}
	for _, l := range t.Locations() {
		b := l.First.Behavior
		access := Access{Auth: b.Auth, Authorizer: t.authorizerDigest(b.Auth), APIKey: b.APIKeyRequired, Methods: b.Methods,
			Callers: slices.Sorted(slices.Values(b.Callers)), Scopes: slices.Sorted(slices.Values(b.Scopes))}
		for _, decisions := range []map[string]*Route{l.ByHost, l.TrailingSlash} {
			for _, r := range decisions {
				if r != nil {
					access.Namespaces = append(access.Namespaces, r.Backend.Namespace)
				}
			}
		}
		slices.Sort(access.Namespaces)
		access.Namespaces = slices.Compact(access.Namespaces)
		table[l.Resource] = access
	}
	return table
}

func (t *Table) authorizerDigest(auth Auth) string {
	a := t.Authorizer(auth)
	if a == nil {
		return ""
	}
	// How long an answer holds lets nobody else in.
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q", a.Type, a.UserPoolARNs, a.FunctionARN, a.IdentitySources))
	return hex.EncodeToString(sum[:6])
}

// WeakerThan says in which ways the table lets in more than another one did, in the order of the paths. A path counts when its
// own resource is gone as well, and a longer one's takes its requests.
func (t AccessTable) WeakerThan(before AccessTable) []string {
	resources := map[string]bool{}
	for _, table := range []AccessTable{t, before} {
		for resource := range table {
			resources[resource] = true
		}
	}
	var weaker []string
	for _, resource := range slices.Sorted(maps.Keys(resources)) {
		after, served := t.decide(resource)
		if !served {
			continue
		}
		was, known := before.decide(resource)
		place := strings.Replace(resource, Greedy, "*", 1)
		for _, way := range after.weakerThan(was, known) {
			weaker = append(weaker, place+": "+way)
		}
	}
	return weaker
}

// decide is the access to a resource's path: its own, or that of the longest one which takes everything below it.
func (t AccessTable) decide(resource string) (Access, bool) {
	if access, found := t[resource]; found {
		return access, true
	}
	path, _ := strings.CutSuffix(resource, "/"+Greedy)
	for path != "" && path != "/" {
		path = parent(path)
		if access, found := t[resourceName(path, true)]; found {
			return access, true
		}
	}
	return Access{}, false
}

// weakerThan compares with what was there before, if anything was.
func (a Access) weakerThan(was Access, known bool) []string {
	if !known {
		if a.Auth == AuthNone && !a.APIKey {
			return []string{"it is new, and everybody may call it (auth none)"}
		}
		return nil
	}
	var ways []string
	say := func(format string, args ...any) { ways = append(ways, fmt.Sprintf(format, args...)) }
	switch {
	case a.Auth == was.Auth && a.Authorizer != was.Authorizer:
		say("the authorizer %s is not what it was", a.Auth)
	case a.Auth == was.Auth:
	case a.Auth == AuthNone:
		say("everybody may call it (auth %s becomes none)", was.Auth)
	case was.Auth != AuthNone && a.Auth != AuthIAM:
		say("auth %s becomes %s, which lets in others", was.Auth, a.Auth)
	}
	if was.APIKey && !a.APIKey {
		say("no API key is wanted any more")
	}
	if more := missing(a.Callers, was.Callers); len(more) > 0 {
		say("%s may call it", strings.Join(more, ", "))
	}
	if len(was.Scopes) > 0 && a.Auth == was.Auth && (len(a.Scopes) == 0 || len(missing(a.Scopes, was.Scopes)) > 0) {
		say("scopes %s become %s", strings.Join(was.Scopes, ","), orAny(a.Scopes))
	}
	if more := missing(a.Methods, was.Methods); len(was.Methods) > 0 && (len(a.Methods) == 0 || len(more) > 0) {
		say("methods %s become %s", strings.Join(was.Methods, ","), orAny(a.Methods))
	}
	if more := missing(a.Namespaces, was.Namespaces); len(more) > 0 {
		say("requests pass to namespace %s instead of %s", strings.Join(more, ", "), strings.Join(was.Namespaces, ", "))
	}
	return ways
}

// missing are the elements of list that others does not have.
func missing(list, others []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(element string) bool { return slices.Contains(others, element) })
}

func orAny(list []string) string {
	if len(list) == 0 {
		return "any"
	}
	return strings.Join(list, ",")
}
