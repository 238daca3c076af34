// Package faults makes operations of the local cloud fail in the ways in which they fail in AWS.
package faults

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Operation is what is done to a resource.
type Operation string

// The operations there are.
const (
	Create Operation = "create"
	Update Operation = "update"
	Delete Operation = "delete"
)

// Kind is how an operation fails.
type Kind string

const (
	// Refused is an error before anything happened: 5xx, or a limit.
	Refused Kind = "refused"
	// Throttled is a ThrottlingException, after which a client waits and tries again, as AWS's SDKs do.
	Throttled Kind = "throttled"
	// Lost is a success whose answer does not arrive.
	Lost Kind = "lost"
	// TimedOut is an operation of which nothing is heard until the client gives up, and which did nothing.
	TimedOut Kind = "timedOut"
	// Failed is a creation that is accepted, and after a while ends in the type's state of failure. The object exists.
	Failed Kind = "failed"
	// Delayed is a creation of which other services do not hear at once: they answer that the object does not exist.
	Delayed Kind = "delayed"
	// Gone is a deletion of what somebody else has deleted already.
	Gone Kind = "gone"
)

// ErrLost says that an operation was done, and its answer is lost.
var ErrLost = errors.New("connection reset by peer before the answer came")

// Kinds lists them.
var Kinds = []Kind{Refused, Throttled, Lost, TimedOut, Failed, Delayed, Gone}

type askedKey struct{}

// Asked is the fault that an operation under way is to have: Failed, Delayed or none. Only whoever does it can.
func Asked(ctx context.Context) Kind {
	kind, _ := ctx.Value(askedKey{}).(Kind)
	return kind
}

// Fault is one failure, for the next operations of a kind on a type of resource.
type Fault struct {
	// Type is a Pulumi type token.
	Type      string    `json:"type"`
	Operation Operation `json:"operation"`
	Kind      Kind      `json:"kind"`
	// Times is how often it happens. Default once.
	Times int `json:"times,omitempty"`
}

const (
	// maxAttempts is that of AWS's SDKs in their standard mode.
	maxAttempts = 3
	backoff     = 20 * time.Millisecond
	patience    = 50 * time.Millisecond
)

// Injector holds the faults that are still to come. The zero value has none.
type Injector struct {
	mu     sync.Mutex
	coming []Fault
}

// Set replaces the faults to come.
func (i *Injector) Set(list []Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.coming = nil
	for _, f := range list {
		f.Times = max(f.Times, 1)
		i.coming = append(i.coming, f)
	}
}

// Left are the faults that have not happened yet.
func (i *Injector) Left() []Fault {
	i.mu.Lock()
	defer i.mu.Unlock()
	var left []Fault
	for _, f := range i.coming {
		if f.Times > 0 {
			left = append(left, f)
		}
	}
	return left
}

func (i *Injector) next(token string, operation Operation) Kind {
	i.mu.Lock()
	defer i.mu.Unlock()
	for n := range i.coming {
		if f := &i.coming[n]; f.Type == token && f.Operation == operation && f.Times > 0 {
			f.Times--
			return f.Kind
		}
	}
	return ""
}

// Do runs an operation, or lets it fail.
func (i *Injector) Do(ctx context.Context, token string, operation Operation, run func(context.Context) error) error {
	for attempt := 1; ; attempt++ {
		switch kind := i.next(token, operation); kind {
		case "":
			return run(ctx)
		case Failed, Delayed:
			return run(context.WithValue(ctx, askedKey{}, kind))
		case Gone:
			if err := run(ctx); err != nil {
				return err
			}
			return run(ctx)
		case Throttled:
			if attempt == maxAttempts {
				return fmt.Errorf("%s of %s: exceeded maximum number of attempts, %d: api error ThrottlingException: Rate exceeded", operation,
					token, maxAttempts)
			}
			if err := sleep(ctx, backoff); err != nil {
				return err
			}
		case Refused:
			return fmt.Errorf("%s of %s: api error InternalFailure: the service has an internal error: try again", operation, token)
		case TimedOut:
			if err := sleep(ctx, patience); err != nil {
				return err
			}
			return fmt.Errorf("%s of %s: request send failed: i/o timeout", operation, token)
		default:
			if err := run(ctx); err != nil {
				return err
			}
			return fmt.Errorf("%s of %s: %w", operation, token, ErrLost)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
