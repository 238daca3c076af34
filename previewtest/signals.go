package previewtest

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// endings are the tests whose stacks are there, which share the signals of their process: all stacks go before it ends.
type endings struct {
	mu sync.Mutex
	// cancels stop what is coming up, by the stack that takes it down then.
	cancels map[*Stack]func()
	signals chan os.Signal
}

var live = &endings{cancels: map[*Stack]func(){}}

// add lets a signal take a stack down, until remove is called.
func (e *endings) add(s *Stack, cancel func()) (remove func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cancels[s] = cancel
	if e.signals == nil {
		e.signals = make(chan os.Signal, 1)
		wanted := []os.Signal{os.Interrupt, syscall.SIGTERM}
		if !signal.Ignored(syscall.SIGHUP) {
			wanted = append(wanted, syscall.SIGHUP)
		}
		signal.Notify(e.signals, wanted...)
		go e.wait(e.signals)
	}
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.cancels, s)
		if len(e.cancels) == 0 && e.signals != nil {
			// Without stacks a signal means what it always does.
			signal.Stop(e.signals)
			close(e.signals)
			e.signals = nil
		}
	}
}

// wait takes all stacks down at the first signal, and ends the process as the signal would have.
func (e *endings) wait(signals <-chan os.Signal) {
	received, ok := <-signals
	if !ok {
		return
	}
	e.mu.Lock()
	var down sync.WaitGroup
	for stack, cancel := range e.cancels {
		cancel()
		down.Go(func() {
			if err := stack.takeDown(); err != nil {
				fmt.Fprintln(os.Stderr, "previewtest:", err)
			}
		})
	}
	e.mu.Unlock()
	done := make(chan struct{})
	go func() { down.Wait(); close(done) }()
	select {
	case <-done:
	case <-signals:
		// A second signal does not want to wait.
	}
	signal.Reset(received)
	if number, ok := received.(syscall.Signal); ok {
		_ = syscall.Kill(os.Getpid(), number)
	}
	// The signal takes a moment.
	time.Sleep(time.Second)
	os.Exit(1)
}
