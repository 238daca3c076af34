package operation

import (
	"context"
	"errors"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
)

// UnlockOptions are Unlock's.
type UnlockOptions struct {
	Options
	// Force takes the lock away.
	Force bool
}

// Lock is what Unlock found.
type Lock struct {
	// Holders are the processes that change a stack of the local target. Other backends do not say.
	Holders []engine.Holder `json:"holders"`
	// Free says that nobody holds the lock, and Taken that it was taken away.
	Free  bool `json:"free"`
	Taken bool `json:"taken"`
}

// Unlock finds who holds a stack's lock, and with Force takes it away: do that only when the holder is dead, for two
// engines on one stack destroy its state. Without Force a lock that is held is an error, Locked.
func Unlock(ctx context.Context, o UnlockOptions) (*Lock, error) {
	s, session, err := read(ctx, o.Options)
	if err != nil {
		return nil, err
	}
	lock := &Lock{}
	if s.project.Target == engine.Local {
		if lock.Holders, err = engine.Holders(s.StateDir, s.project.Name, s.Stack); err != nil {
			return nil, err
		}
		if len(lock.Holders) == 0 {
			lock.Free = true
			return lock, nil
		}
	}
	if !o.Force {
		return lock, fail(Locked, errors.New("the lock stays: --force takes it away"))
	}
	if err := session.Stack.Cancel(ctx); err != nil {
		return lock, err
	}
	lock.Taken = true
	return lock, nil
}
