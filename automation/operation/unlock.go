package operation

import (
	"context"
	"errors"
	"fmt"

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
	// Holders are the processes that change the stack, where the backend is a folder. Others name them only to who wants the lock.
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
	holders, known, err := s.project.Holders(s.StateDir)
	if err != nil {
		return nil, err
	}
	lock.Holders = holders
	switch {
	case known && len(holders) == 0:
		lock.Free = true
		return lock, nil
	case !o.Force && !known:
		return lock, fail(Locked, fmt.Errorf("this backend tells only those who want the lock who holds it: %s says so; --force takes the "+
			"lock away", s.hint("refresh")))
	case !o.Force:
		return lock, fail(Locked, errors.New("the lock stays: --force takes it away"))
	}
	if err := session.Stack.Cancel(ctx); err != nil {
		return lock, err
	}
	lock.Taken = true
	return lock, nil
}
