package dataplane

import (
	"sync"
	"time"
)

// keyUses remember when access keys were last used, as IAM does.
type keyUses struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (k *keyUses) note(keyID string, at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.at == nil {
		k.at = map[string]time.Time{}
	}
	k.at[keyID] = at
}

// KeyUses are the times at which access keys were last used since this process has started, by their ids.
func (d *DataPlane) KeyUses() map[string]time.Time {
	d.keyUses.mu.Lock()
	defer d.keyUses.mu.Unlock()
	uses := make(map[string]time.Time, len(d.keyUses.at))
	for id, at := range d.keyUses.at {
		uses[id] = at
	}
	return uses
}
