package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/supervisor"
)

// childTalk takes what lives of the built-in proxy tell: events, and the last
// words on stderr.
type childTalk struct {
	hub   *event.Hub
	words *supervisor.LastWords
	// reloaded carries the proxy's word on the configuration that it was last
	// told to read. One that nobody waits for makes room for the next.
	reloaded chan error

	wg    sync.WaitGroup
	mu    sync.Mutex
	pipes map[*os.File]bool // read ends of lives whose pipe is open
}

func newChildTalk(hub *event.Hub, words *supervisor.LastWords) *childTalk {
	return &childTalk{hub: hub, words: words, pipes: map[*os.File]bool{}, reloaded: make(chan error, 1)} // the newest answer
}

func (t *childTalk) answerReload(err error) {
	t.forgetReload()
	select {
	case t.reloaded <- err:
	default:
	}
}

// forgetReload drops an answer that nobody waited for.
func (t *childTalk) forgetReload() {
	select {
	case <-t.reloaded:
	default:
	}
}

// open returns the write end of a pipe whose events go to the hub as the
// life's own.
func (t *childTalk) open(life uint64) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make events pipe: %w", err)
	}
	t.mu.Lock()
	t.pipes[r] = true
	t.mu.Unlock()
	t.wg.Go(func() { t.read(life, r) })
	return w, nil
}

func (t *childTalk) read(life uint64, r *os.File) {
	defer func() {
		if v := recover(); v != nil {
			t.hub.Emit(event.GuardPanicked{Guard: "child events", Value: fmt.Sprint(v)})
		}
		t.mu.Lock()
		delete(t.pipes, r)
		t.mu.Unlock()
		r.Close()
	}()
	// The error is the end of the pipe, or its closing at shutdown.
	_, _ = event.Copy(childSink{t, life}, r)
}

// talkTime is how long close waits for pipes to end by themselves, which they
// do as soon as they are read empty, unless a process that outlived its life
// holds one open.
const talkTime = 500 * time.Millisecond

// close reads what dead lives left in their pipes and ends the reading.
func (t *childTalk) close() {
	deadline := time.Now().Add(talkTime)
	t.mu.Lock()
	for r := range t.pipes {
		_ = r.SetReadDeadline(deadline) // a pipe of os.Pipe knows deadlines
	}
	t.mu.Unlock()
	t.wg.Wait()
}

// childSink passes on what a proxy may speak of, and nothing else: a child
// that was taken over must not be able to page, or to resolve pages, in
// reeve's name.
type childSink struct {
	talk *childTalk
	life uint64
}

func (s childSink) Emit(e event.Event) {
	hub := s.talk.hub
	switch e := e.(type) {
	case event.RequestKilled:
		e.Life = s.life
		hub.Emit(e)
	case event.RequestWarned:
		e.Life = s.life
		hub.Emit(e)
	case event.ConfigReloaded:
		s.talk.answerReload(nil)
	case event.ConfigRefused:
		s.talk.answerReload(errors.New(e.Error))
	case event.MemberDown, event.MemberUp, event.PoolEmpty, event.PoolServing, event.ScoreboardFull, event.LinesDropped:
		hub.Emit(e)
	}
}
