package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A reader that never reads costs the journal one wait and the stop another,
// and no more.
func TestAFullStandardErrorHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		s := startScreen(w, true)
		begin := time.Now()
		for range screenQueue + 100 {
			s.Write([]byte("line\n"))
			s.live("live")
		}
		if _, err := s.Write([]byte("line\n")); err == nil {
			t.Error("a line that nobody takes was taken")
		}
		s.close()
		if waited := time.Since(begin); waited > 2*screenPatience {
			t.Errorf("held up for %v", waited)
		}
		r.Close() // lets the goroutine end
		synctest.Wait()
	})
}

func TestTheLiveLineStaysUnderTheJournal(t *testing.T) {
	var out bytes.Buffer
	s := startScreen(&out, true)
	s.live("[one]")
	io.WriteString(s, "event\n")
	s.live("[two]")
	s.live("")
	s.close()
	want := strings.Join([]string{eraseLine + "[one]", eraseLine + "event\n[one]", eraseLine + "[two]", eraseLine}, "")
	if out.String() != want {
		t.Errorf("wrote %q, want %q", out.String(), want)
	}
	if _, err := io.WriteString(s, "late\n"); err == nil {
		t.Error("a closed screen takes lines")
	}
}
