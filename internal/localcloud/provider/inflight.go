package provider

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Inflight counts the operations that are going on for each stack. After an engine was killed its operations go on
// for a moment; nothing may be concluded from what exists before they have ended.
type Inflight struct {
	mu    sync.Mutex
	count map[string]int
}

// NewInflight makes a counter; the servers of one cloud share it.
func NewInflight() *Inflight { return &Inflight{count: map[string]int{}} }

func stackOf(urn string) string {
	parsed := resource.URN(urn)
	return string(parsed.Project()) + "/" + string(parsed.Stack())
}

// begin counts an operation until the function that it returns is called.
func (i *Inflight) begin(urn string) (end func()) {
	key := stackOf(urn)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.count[key]++
	return func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.count[key]--
	}
}

// Wait returns when nothing is going on for a stack.
func (i *Inflight) Wait(ctx context.Context, project, stack string) error {
	for {
		i.mu.Lock()
		busy := i.count[project+"/"+stack] > 0
		i.mu.Unlock()
		if !busy {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(errors.New("operations of an earlier update are still going on"), ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}
