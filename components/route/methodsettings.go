package route

import (
	"slices"
	"strings"
)

// MethodSettings are what a stage does for one method besides the API's definition.
type MethodSettings struct {
	// Path is the method in a stage's notation, the resource with ~1 for each slash and the method: ~1a~1b/GET. The SDK's
	// comment says to leave the first slash out and to write the others as they are; AWS then stores the settings without
	// any effect: https://github.com/hashicorp/terraform-provider-aws/issues/9738
	Path     string
	Throttle Throttle
	Cache    Cache
}

// MethodSettings lists the methods whose routes have a throttle or a cache, in the order of their paths.
func (t *Table) MethodSettings() []MethodSettings {
	var list []MethodSettings
	for _, l := range t.Locations() {
		behavior := l.First.Behavior
		if behavior.Throttle.Rate == 0 && behavior.Cache.TTL == 0 {
			continue
		}
		for _, name := range namedMethods(l.Methods) {
			m := MethodSettings{Path: strings.ReplaceAll(l.Resource, "/", "~1") + "/" + name, Throttle: behavior.Throttle}
			if name == "GET" {
				m.Cache = behavior.Cache
			}
			list = append(list, m)
		}
	}
	return list
}

// namedMethods names what ANY stands for, because nobody has shown that settings for ANY reach the methods.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html
func namedMethods(methods []string) []string {
	if slices.Contains(methods, AnyMethod) {
		return HTTPMethods
	}
	return methods
}

// Caches says whether any route wants the stage to have a cache.
func (t *Table) Caches() bool {
	for _, r := range t.Routes {
		if r.Behavior.Cache.TTL > 0 {
			return true
		}
	}
	return false
}
