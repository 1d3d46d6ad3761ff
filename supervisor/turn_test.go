package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

func TestTurnProvesThatTheLoopTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		b := newBench(t, func(o *Options) { o.OnEnd = func(Life, Exit) { <-hang } })
		turn := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			return b.Turn(ctx)
		}
		if err := turn(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("before Run: %v", err)
		}
		b.start()
		if err := turn(); err != nil {
			t.Errorf("of a loop that turns: %v", err)
		}
		b.lives[0].die(Exit{})
		synctest.Wait()
		for range 200 { // more than any queue holds
			if err := turn(); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("of a loop that hangs: %v", err)
			}
		}
		close(hang)
		if err := turn(); err != nil {
			t.Errorf("of a loop that turns again: %v", err)
		}
		b.finish()
		if err := turn(); !errors.Is(err, ErrEnded) {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestProgramIsWhatTheChildIsCalled(t *testing.T) {
	for program, want := range map[string]string{"": "/proc/self/exe", "stand-in": "stand-in"} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			b := newBench(t, func(o *Options) {
				o.Argv, o.Program, o.PostMortemDir = []string{"/proc/self/exe"}, program, dir
			})
			b.start()
			b.lives[0].die(Exit{Code: 1})
			b.is(Waiting)
			if e := event.Of[event.ChildLaunched](b.events); len(e) != 1 || e[0].Program != want {
				t.Errorf("launched: %+v, want program %q", e, want)
			}
			if got := b.Status().Program; got != want {
				t.Errorf("status says %q, want %q", got, want)
			}
			if p := onlyPostMortem(t, dir); p.Program != want || p.Argv[0] != "/proc/self/exe" {
				t.Errorf("post-mortem says %q, want %q", p.Program, want)
			}
			b.finish()
		})
	}
}

// onlyPostMortem reads the one report in dir.
func onlyPostMortem(t *testing.T, dir string) (p PostMortem) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "death-*"))
	if len(files) != 1 {
		t.Fatalf("reports %v, want one", files)
	}
	text, err := os.ReadFile(files[0])
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}
