package dataplane

import (
	"cmp"
	"fmt"
	"slices"
)

// Way is how requests of a stage reach pods through one listener.
type Way struct {
	API   string `json:"api"`
	Stage string `json:"stage"`
	Port  int    `json:"port"`
	// Pods are the addresses behind it; none when the way is broken.
	Pods []string `json:"pods"`
	// Problem is the link of the chain that does not hold; empty when all do.
	Problem string `json:"problem,omitempty"`
}

// Ways reports every way of every stage.
func (d *DataPlane) Ways() []Way {
	s := d.current()
	var ways []Way
	for _, a := range s.apis {
		for _, st := range a.stages {
			seen := map[string]bool{}
			for _, m := range st.definition.Methods() {
				port, err := portOf(m.Integration.URI)
				key := fmt.Sprint(m.Integration.ConnectionID, port)
				if err != nil || seen[key] {
					continue
				}
				seen[key] = true
				way := Way{API: a.id, Stage: st.name, Port: port}
				if problem := d.problemOf(a.id); problem != "" {
					way.Problem = problem
				} else if hop := s.hop(d, m.Integration); hop.failure != nil {
					way.Problem = hop.failure.reason
				} else {
					way.Pods = hop.addresses
				}
				ways = append(ways, way)
			}
		}
	}
	slices.SortFunc(ways, func(a, b Way) int {
		return cmp.Or(cmp.Compare(a.API, b.API), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Port, b.Port))
	})
	return ways
}

func (d *DataPlane) problemOf(api string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.unserved[api]
}

// Served are the addresses at which APIs are served by this process, and not by any other that listens there.
func (d *DataPlane) Served() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	addresses := []string{}
	for _, server := range d.servers {
		addresses = append(addresses, server.Addr)
	}
	slices.Sort(addresses)
	return addresses
}
