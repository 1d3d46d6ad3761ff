package rotate

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// Run pumps, turns, compresses and removes until ctx ends, Drain is called, or
// every log's source has ended; it returns when all that it started has ended.
// A Keeper runs once.
func (k *Keeper) Run(ctx context.Context) error {
	k.mu.Lock()
	running, draining := k.running, k.draining
	k.running = true
	k.mu.Unlock()
	switch {
	case running && draining: // a Drain was faster and does the work
		<-k.stopped
		return nil
	case running:
		return errors.New("run logs: they run, or have run, already")
	}
	return k.work(ctx)
}

func (k *Keeper) work(ctx context.Context) error {
	defer close(k.stopped)
	defer k.close()

	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	office := k.staff(inner)
	logs, problems := k.pumps()
	stopped := ctx.Done()
	stop := k.stop
	for {
		select {
		case <-stopped:
			stopped = nil
			timer := time.AfterFunc(stopGrace, k.giveUp)
			defer timer.Stop()
			k.drainPumps()
		case <-stop:
			stop = nil
			k.drainPumps()
		case <-logs:
			cancel()
			office.Wait()
			return errors.Join(*problems...)
		}
	}
}

// pumps starts each log's two goroutines. The channel is closed when all have
// ended; the problems may be read then.
func (k *Keeper) pumps() (<-chan struct{}, *[]error) {
	var all sync.WaitGroup
	var mu sync.Mutex
	var problems []error
	note := func(err error) {
		if err != nil {
			mu.Lock()
			problems = append(problems, err)
			mu.Unlock()
		}
	}
	for _, l := range k.logs {
		all.Go(func() {
			note(k.endure("pump "+l.set.name, l.pump.run))
			l.pump.end()
		})
		all.Go(func() { note(k.endure("log "+l.set.name, l.run)) })
	}
	done := make(chan struct{})
	go func() {
		all.Wait()
		close(done)
	}()
	return done, &problems
}

// staff starts what works beside the logs, until ctx ends.
func (k *Keeper) staff(ctx context.Context) *sync.WaitGroup {
	var all sync.WaitGroup
	all.Go(func() { k.endure("schedule", func() error { return k.turnOnTime(ctx) }) })
	all.Go(func() { k.endure("watch", func() error { return k.watch.run(ctx, k.kick) }) })
	all.Go(func() { k.endure("janitor", func() error { return k.janitor.sweep(ctx) }) })
	all.Go(func() { k.endure("compressor", func() error { return k.janitor.compressAll(ctx) }) })
	return &all
}

// afterPanic is the pause before a part that panicked runs again.
const afterPanic = time.Second

// endure runs f until it returns. A panic in the process that is PID 1 would
// take the service down for a mistake in a side room, so it becomes an event
// and f runs again.
func (k *Keeper) endure(name string, f func() error) error {
	for {
		value, err := try(f)
		if value == "" {
			return err
		}
		k.events.Emit(event.GuardPanicked{Guard: "rotate " + name, Value: value})
		select {
		case <-k.abandon:
			return errors.New("panic in " + name)
		case <-time.After(afterPanic):
		}
	}
}

func try(f func() error) (value string, err error) {
	defer func() {
		if v := recover(); v != nil {
			value = fmt.Sprintf("%v\n%s", v, debug.Stack())
		}
	}()
	return "", f()
}

// drainPumps makes every pump end once its source is empty.
func (k *Keeper) drainPumps() {
	for _, l := range k.logs {
		l.pump.drainAndStop()
	}
}

// giveUp makes the logs drop what they cannot write now.
func (k *Keeper) giveUp() {
	k.abandons.Do(func() {
		close(k.abandon)
		for _, l := range k.logs {
			close(l.pump.stop)
		}
	})
}

// Drain is for after the child's end: it reads what the pipes still hold, writes
// it, and closes the files; Run returns then. What cannot be written before ctx
// ends is dropped and counted, and ctx's error returned.
func (k *Keeper) Drain(ctx context.Context) error {
	k.mu.Lock()
	if !k.draining {
		k.draining = true
		close(k.stop)
	}
	begun := k.running
	k.running = true
	k.mu.Unlock()
	if !begun {
		return k.work(ctx)
	}
	select {
	case <-k.stopped:
		return nil
	case <-ctx.Done():
	}
	k.giveUp()
	select {
	case <-k.stopped:
	case <-time.After(stopGrace):
		// A disk that hangs holds the writer in the kernel; nobody can end it.
	}
	return fmt.Errorf("drain logs: %w", ctx.Err())
}

// close lets go of all files.
func (k *Keeper) close() {
	for _, l := range k.logs {
		l.pump.source.Close()
		l.file.close()
	}
	for _, w := range k.writers {
		w.Close()
	}
	k.folder.release()
}
