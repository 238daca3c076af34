package operation

import (
	"context"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/daemon"
)

// AccessKey is one of the client user's, and when it was last used.
type AccessKey struct {
	ID string `json:"id"`
	// Name is the resource's in the program.
	Name string `json:"name"`
	// LastUsed is nil for a key that was never used. The local cloud remembers since it was started.
	LastUsed *time.Time `json:"lastUsed,omitempty"`
	// Unknown says why nobody could tell.
	Unknown string `json:"unknown,omitempty"`
}

// accessKeys asks when the keys of a stack were last used.
func (s *site) accessKeys(ctx context.Context, resources []engine.Resource, local *daemon.Status) []AccessKey {
	lastUse := func(id string) (time.Time, error) {
		if local == nil {
			return time.Time{}, nil
		}
		return local.KeyUses[id], nil
	}
	if s.project.Target == engine.AWS {
		lastUse = func(id string) (time.Time, error) {
			account, err := Connect(ctx, s.project)
			if err != nil {
				return time.Time{}, err
			}
			return account.LastUse(ctx, id)
		}
	}
	var keys []AccessKey
	for _, r := range resources {
		if r.Type != "aws:iam/accessKey:AccessKey" || r.Delete {
			continue
		}
		key := AccessKey{ID: r.ID, Name: r.Name()}
		switch used, err := lastUse(r.ID); {
		case err != nil:
			key.Unknown = err.Error()
		case !used.IsZero():
			key.LastUsed = &used
		}
		keys = append(keys, key)
	}
	return keys
}
