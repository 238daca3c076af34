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
	hosts := t.allHosts()
	for _, l := range t.locations() {
		settings := l.first(hosts).Settings.withDefaults()
		if settings.Throttle.Rate == 0 && settings.Cache.TTL == 0 {
			continue
		}
		for _, name := range t.methodNames(l, l.first(hosts)) {
			m := MethodSettings{Path: strings.TrimPrefix(l.resource+"/"+name, "/"), Throttle: settings.Throttle}
			if name == "GET" {
				m.Cache = settings.Cache
			}
			list = append(list, m)
		}
	}
	return list
}

// Caches says whether any route wants the stage to have a cache.
func (t *Table) Caches() bool {
	for _, r := range t.Routes {
		if r.Settings.Cache.TTL > 0 {
			return true
		}
	}
	return false
}
