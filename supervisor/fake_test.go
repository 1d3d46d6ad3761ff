package supervisor

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
)

// fake is a process of the imagination. It dies of KILL, and of what it is told.
type fake struct {
	mu      sync.Mutex
	got     []syscall.Signal
	diesOf  map[syscall.Signal]bool
	dead    chan struct{}
	exit    Exit
	sweep   time.Duration
	swept   bool
	pid     int
	ignores bool // even KILL, as one that is stuck in the kernel
}

func (f *fake) PID() int { return f.pid }

func (f *fake) Signal(sig syscall.Signal, group bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.swept {
		return os.ErrProcessDone
	}
	f.got = append(f.got, sig)
	if f.diesOf[sig] || sig == syscall.SIGKILL && !f.ignores {
		f.dieLocked(Exit{Signal: sig})
	}
	return nil
}

func (f *fake) dieLocked(x Exit) {
	select {
	case <-f.dead:
	default:
		f.exit = x
		close(f.dead)
	}
}

func (f *fake) die(x Exit) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dieLocked(x)
}

func (f *fake) Wait() Exit { <-f.dead; return f.exit }

func (f *fake) Sweep(hurry <-chan struct{}) remains {
	if f.sweep > 0 {
		select {
		case <-time.After(f.sweep):
		case <-hurry:
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.swept = true
	return remains{}
}

// bench is a supervisor on fake processes, in a synctest bubble.
type bench struct {
	*Supervisor
	t      *testing.T
	events *event.Recorder
	lives  []*fake
	shape  func(n uint64, f *fake) error // shapes a process, or refuses it
	result chan error
}

func newBench(t *testing.T, set func(*Options)) *bench {
	t.Helper()
	b := &bench{t: t, events: &event.Recorder{}, result: make(chan error, 1)}
	o := Options{Config: config.Default[Config](), Argv: []string{"proxy"}, Events: b.events}
	if set != nil {
		set(&o)
	}
	s, err := newSupervisor(o)
	if err != nil {
		t.Fatal(err)
	}
	s.random = func() float64 { return 0 }
	s.launch = func(_ context.Context, n uint64) (Life, process, error) {
		f := &fake{pid: 1000 + int(n), dead: make(chan struct{}), diesOf: map[syscall.Signal]bool{syscall.SIGTERM: true}}
		if b.shape != nil {
			if err := b.shape(n, f); err != nil {
				return Life{}, nil, err
			}
		}
		b.lives = append(b.lives, f)
		return Life{Number: n, PID: f.pid, Started: time.Now()}, f, nil
	}
	b.Supervisor = s
	return b
}

func (b *bench) start() {
	go func() { b.result <- b.Run(context.Background()) }()
	synctest.Wait()
}

// is fails the test unless the supervisor is in the state.
func (b *bench) is(want State) {
	b.t.Helper()
	synctest.Wait()
	if got := b.Status().State; got != want {
		b.t.Fatalf("state is %s, want %s", got, want)
	}
}

func (b *bench) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// ends waits for Run to return and checks how.
func (b *bench) ends(code int) {
	b.t.Helper()
	synctest.Wait()
	select {
	case err := <-b.result:
		ended, ok := errors.AsType[*Ended](err)
		if code == 0 && err != nil || code != 0 && (!ok || ended.Code != code) {
			b.t.Fatalf("Run returned %v, want code %d", err, code)
		}
	default:
		b.t.Fatalf("Run has not returned; state %s", b.Status().State)
	}
}

func (b *bench) finish() {
	b.t.Helper()
	b.Hurry()
	b.ends(0)
}
