package route

import "strings"

// MethodSettings are what a stage does for one method besides the API's definition.
type MethodSettings struct {
	// Path is the method in a stage's notation, the resource without its first slash and the method: a/b/GET.
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
		for _, name := range l.Methods {
			m := MethodSettings{Path: strings.TrimPrefix(l.Resource+"/"+name, "/"), Throttle: behavior.Throttle}
			if name == "GET" {
				m.Cache = behavior.Cache
			}
			list = append(list, m)
		}
	}
	return list
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
