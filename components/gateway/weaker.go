package gateway

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
)

// AccessRecord is who may call an API, as an update leaves it in the gateway's output access, so that the next one can be
// compared with it before it happens.
type AccessRecord struct {
	// Mode is what the resource policy says to everybody else.
	Mode AccessMode `json:"mode"`
	// ClientUser says that the stack's own user may call.
	ClientUser bool `json:"clientUser,omitempty"`
	// Callers are the others of the whole API, as far as their ARNs are no outputs of resources.
	Callers []string `json:"callers,omitempty"`
	// Resources are the access to each resource.
	Resources route.AccessTable `json:"resources"`
}

// Record is what these settings and routes come to.
func (s Settings) Record(routes *route.Table) AccessRecord {
	callers, _ := settings.KnownList(s.Access.ClientARNs)
	mode := s.Access.Mode
	if mode == "" {
		mode = Restrict
	}
	slices.Sort(callers)
	return AccessRecord{Mode: mode, ClientUser: s.Access.ClientUser, Callers: callers, Resources: routes.Access()}
}

// Text is the record as the state holds it.
func (r AccessRecord) Text() (string, error) {
	encoded, err := json.Marshal(r)
	return string(encoded), err
}

// ParseAccessRecord reads a record's text.
func ParseAccessRecord(text string) (AccessRecord, error) {
	var r AccessRecord
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return r, fmt.Errorf("the record of access: %w", err)
	}
	return r, nil
}

// WeakerThan says in which ways the API would let in more than it did before, those of the whole API first.
func (r AccessRecord) WeakerThan(before AccessRecord) []string {
	var weaker []string
	if before.Mode == Restrict && r.Mode != Restrict {
		weaker = append(weaker, "the whole API: whose identity policy allows the call may call it (accessMode restrict becomes "+
			string(r.Mode)+")")
	}
	if r.ClientUser && !before.ClientUser {
		weaker = append(weaker, "the whole API: the stack's client user may call it")
	}
	for _, caller := range r.Callers {
		if !slices.Contains(before.Callers, caller) {
			weaker = append(weaker, "the whole API: "+caller+" may call it")
		}
	}
	return append(weaker, r.Resources.WeakerThan(before.Resources)...)
}
