package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// Resource is one of a stack's state.
type Resource struct {
	URN    string `json:"urn"`
	Type   string `json:"type"`
	ID     string `json:"id,omitempty"`
	Custom bool   `json:"custom"`
	Parent string `json:"parent,omitempty"`
	// External marks what the stack reads and did not make.
	External bool `json:"external,omitempty"`
	// Dependencies are the URNs of what must exist before.
	Dependencies []string       `json:"dependencies,omitempty"`
	Inputs       map[string]any `json:"inputs,omitempty"`
	Outputs      map[string]any `json:"outputs,omitempty"`
	// InitErrors say why it is there and not as it should be.
	InitErrors []string `json:"initErrors,omitempty"`
	// Delete marks what an interrupted update has left to be deleted.
	Delete bool `json:"delete,omitempty"`
}

// Name is the resource's in the program.
func (r Resource) Name() string {
	for i := len(r.URN) - 1; i >= 0; i-- {
		if r.URN[i] == ':' {
			return r.URN[i+1:]
		}
	}
	return r.URN
}

// Needs lists for each resource what it waits for: its dependencies, and of components among these all that is in them.
func Needs(resources []Resource) map[string][]string {
	components, children := map[string]bool{}, map[string][]string{}
	for _, r := range resources {
		components[r.URN] = !r.Custom
		children[r.Parent] = append(children[r.Parent], r.URN)
	}
	var within func(component string) []string
	within = func(component string) []string {
		var all []string
		for _, child := range children[component] {
			all = append(append(all, child), within(child)...)
		}
		return all
	}
	needs := map[string][]string{}
	for _, r := range resources {
		needs[r.URN] = slices.Clone(r.Dependencies)
		for _, need := range r.Dependencies {
			if components[need] {
				needs[r.URN] = append(needs[r.URN], within(need)...)
			}
		}
		slices.Sort(needs[r.URN])
		needs[r.URN] = slices.Compact(needs[r.URN])
	}
	return needs
}

// Pending is an operation whose outcome the engine never heard of.
type Pending struct {
	// Type is creating, updating, deleting or reading.
	Type     string   `json:"type"`
	Resource Resource `json:"resource"`
}

// State is a stack's deployment.
type State struct {
	Manifest struct {
		Time time.Time `json:"time"`
	} `json:"manifest"`
	Resources []Resource `json:"resources"`
	Pending   []Pending  `json:"pending_operations"`
}

// State is what the last operation left; its secrets stay encrypted. For a local stack it is read from its file, which
// is quick.
func (s *Session) State(ctx context.Context) (*State, error) {
	if s.Project.Target == Local {
		return s.checkpoint()
	}
	exported, err := s.Export(ctx)
	if err != nil {
		return nil, err
	}
	var document struct{ Deployment State }
	return &document.Deployment, json.Unmarshal(exported, &document)
}

// Resources reads the stack's resources.
func (s *Session) Resources(ctx context.Context) ([]Resource, error) {
	state, err := s.State(ctx)
	if err != nil {
		return nil, err
	}
	return state.Resources, nil
}

func (s *Session) checkpoint() (*State, error) {
	content, err := os.ReadFile(checkpointPath(s.stateDir, s.Project.Name, s.Project.Stack))
	if errors.Is(err, os.ErrNotExist) {
		return &State{}, nil
	}
	if err != nil {
		return nil, err
	}
	var document struct {
		Checkpoint struct{ Latest *State }
	}
	if err := json.Unmarshal(content, &document); err != nil {
		return nil, fmt.Errorf("state of stack %s: %w", s.Project.Stack, err)
	}
	if document.Checkpoint.Latest == nil {
		return &State{}, nil
	}
	return document.Checkpoint.Latest, nil
}
