//go:build linux

package main

import (
	"context"
	"io"
	"path/filepath"
	"testing"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/rotate"
	"github.com/reeveproxy/reeve/supervisor"
)

// A life that is killed in the middle of a write leaves a line without an end,
// in its access log as in the others. The next life's first line does not go on
// with it.
func TestALineThatALifeLeftUnfinishedIsEndedWithIt(t *testing.T) {
	cfg := config.Default[rotate.Config]()
	cfg.Dir = t.TempDir()
	names := []string{logStdout, logStderr, logAccess}
	keeper, err := rotate.Open(rotate.Options{Config: cfg, Names: names, Events: new(event.Hub)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ended := make(chan error, 1) // one result
	go func() { ended <- keeper.Run(ctx) }()
	h := &house{keeper: keeper, boards: newBoards(64)}
	say := func(text string) {
		for _, name := range names {
			w, err := keeper.Writer(name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(w, text); err != nil {
				t.Fatal(err)
			}
		}
	}
	say("whole\nhal")
	h.lifeEnded(supervisor.Life{Number: 1}, supervisor.Exit{})
	say("next\n")
	if err := keeper.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if got := readLog(t, filepath.Join(cfg.Dir, name+".log")); got != "whole\nhal\nnext\n" {
			t.Errorf("%s is %q", name, got)
		}
	}
}
