package controller

import (
	"math/rand/v2"
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// The times of a controller that is told none.
const (
	defaultQuiet    = 200 * time.Millisecond
	defaultMaxDelay = 3 * time.Second
)

// burst is a run of changes that becomes one operation: as soon as nothing has changed for a while, and at the latest some
// time after the first change.
type burst struct {
	quiet, maxDelay time.Duration

	mu          sync.Mutex
	first, last time.Time
}

func (b *burst) change(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.first.IsZero() {
		b.first = now
	}
	b.last = now
}

// wait is how long the burst goes on. After 0 the next change begins another one.
func (b *burst) wait(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	left := min(b.last.Add(b.quiet).Sub(now), b.first.Add(b.maxDelay).Sub(now))
	if b.first.IsZero() || left <= 0 {
		b.first, b.last = time.Time{}, time.Time{}
		return 0
	}
	return left
}

// The times between attempts.
const (
	firstBackoff = time.Second
	maxBackoff   = 5 * time.Minute
)

// backoff takes longer after each failure, and some time more, so that controllers of many clusters do not fall into step.
type backoff struct {
	workqueue.TypedRateLimiter[reconcile.Request]
}

func newBackoff() backoff {
	return backoff{workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstBackoff, maxBackoff)}
}

// When is how long to wait before the next attempt.
func (b backoff) When(item reconcile.Request) time.Duration {
	wait := b.TypedRateLimiter.When(item)
	return wait + rand.N(wait/2) //nolint:gosec // nobody gains by guessing it
}
