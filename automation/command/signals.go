package command

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// signaled is the cause of a context's end.
type signaled struct{ os.Signal }

func (s signaled) Error() string { return s.String() }

// killTime is how long an engine that is killed may take to end.
const killTime = 5 * time.Second

// interruptible is a context that the first signal ends: a pipeline's, Ctrl-C, or that of a terminal that closes. The second
// closes giveUp, and ends this program if that does not.
func interruptible(ctx context.Context) (_ context.Context, giveUp <-chan struct{}, done func()) {
	ctx, giveUp, done, _ = interruptions(ctx)
	return ctx, giveUp, done
}

// interruptions is interruptible for those who may have more to do afterward: goOn in place of done leaves signals to others.
func interruptions(ctx context.Context) (_ context.Context, giveUp <-chan struct{}, done, goOn func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 2)
	wanted := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		// Under nohup it is ignored, and stays so.
		wanted = append(wanted, syscall.SIGHUP)
	}
	signal.Notify(signals, wanted...)
	second, finished := make(chan struct{}), make(chan struct{})
	go func() {
		select {
		case <-finished:
		case s := <-signals:
			cancel(signaled{s})
		}
		select {
		case <-finished:
			// What is left to do is to end: a signal now gets the exit code that one before would have got.
			<-signals
			os.Exit(exitCancelled)
		case <-signals:
			close(second)
		}
		select {
		case <-finished:
		case <-time.After(killTime):
			os.Exit(exitCancelled)
		}
	}()
	done = func() {
		close(finished)
		cancel(nil)
	}
	return ctx, second, done, func() {
		signal.Stop(signals)
		done()
	}
}

// survivePipes makes writing to a closed pipe an error, and not this program's end: an operation goes on without a reader.
func survivePipes() (done func()) {
	ignored := make(chan os.Signal, 1)
	signal.Notify(ignored, syscall.SIGPIPE)
	return func() { signal.Stop(ignored) }
}
