package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

func journalOf(t *testing.T, format string, events ...event.Event) []string {
	t.Helper()
	var hub event.Hub
	var out bytes.Buffer
	for _, e := range events {
		hub.Emit(e)
	}
	hub.Close()
	if err := New(&out, format).Run(t.Context(), hub.Cursor()); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func TestOneLineAnEventInOrder(t *testing.T) {
	died := event.ChildDied{Life: 3, PID: 42, Status: "signal KILL", Uptime: 90 * time.Second, LastWords: "no\nmemory"}
	lines := journalOf(t, Text, event.ChildReady{Life: 3}, died, event.PoolEmpty{Pool: "static"})
	if len(lines) != 3 {
		t.Fatalf("%d lines: %q", len(lines), lines)
	}
	for i, parts := range [][]string{
		{"level=INFO", "msg=child_ready", "seq=1", "life=3", "after=0s"},
		{"level=WARN", "msg=child_died", "seq=2", "uptime=1m30s", `status="signal KILL"`, `last_words="no\nmemory"`},
		{"level=ERROR", "msg=pool_empty", "seq=3", "pool=static"},
	} {
		for _, p := range parts {
			if !strings.Contains(lines[i], p) {
				t.Errorf("line %d lacks %s: %s", i, p, lines[i])
			}
		}
	}
}

func TestJSONLinesOfEveryKind(t *testing.T) {
	var all []event.Event
	for _, d := range event.Declarations() {
		all = append(all, d.Prototype)
	}
	for i, line := range journalOf(t, JSON, all...) {
		var got struct {
			Time  time.Time
			Level string
			Msg   string
			Seq   int
		}
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if got.Msg != all[i].Kind() || got.Seq != i+1 || got.Time.IsZero() {
			t.Errorf("line %d: %s", i, line)
		}
		if want := event.SeverityOf(all[i]).Level().String(); got.Level != want {
			t.Errorf("%s: level %s, want %s", got.Msg, got.Level, want)
		}
	}
}

func TestMissedRecordsAreNoted(t *testing.T) {
	hub := event.Hub{Size: 2}
	c := hub.Cursor()
	for i := range 5 {
		hub.Emit(event.OrphanReaped{PID: i})
	}
	hub.Close()
	var out bytes.Buffer
	if err := New(&out, Text).Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "msg=events_missed") || !strings.Contains(lines[0], "count=3") {
		t.Errorf("got %q", lines)
	}
}

// failing refuses some writes, as a full disk does.
type failing struct {
	bytes.Buffer
	refuse int
}

func (f *failing) Write(p []byte) (int, error) {
	if f.refuse > 0 {
		f.refuse--
		return 0, syscall.ENOSPC
	}
	return f.Buffer.Write(p)
}

func TestAFullDiskLosesLinesNotTheJournal(t *testing.T) {
	var hub event.Hub
	for i := range 5 {
		hub.Emit(event.OrphanReaped{PID: i})
	}
	hub.Close()
	w := &failing{refuse: 3}
	j := New(w, Text)
	err := j.Run(t.Context(), hub.Cursor())
	if !errors.Is(err, syscall.ENOSPC) || j.Lost() != 3 || strings.Count(w.String(), "\n") != 2 {
		t.Errorf("err %v, lost %d, wrote %q", err, j.Lost(), w.String())
	}
}

// While the writer is stuck the hub takes everything; the journal says what it
// lost by it.
func TestAStuckWriterNeverBlocksTheHub(t *testing.T) {
	hub := event.Hub{Size: 8}
	c := hub.Cursor()
	pr, pw := io.Pipe()
	done := make(chan error, 1) // Run's result
	go func() {
		err := New(pw, Text).Run(context.Background(), c)
		pw.Close()
		done <- err
	}()
	for i := range 1000 {
		hub.Emit(event.OrphanReaped{PID: i})
	}
	hub.Close()
	text, err := io.ReadAll(pr)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "msg=events_missed") || !strings.Contains(string(text), "pid=999") {
		t.Errorf("got %s", text)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var hub event.Hub
	if err := New(io.Discard, Text).Run(ctx, hub.Cursor()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func BenchmarkLine(b *testing.B) {
	j := New(io.Discard, JSON)
	rec := event.Record{Seq: 1, Time: time.Now(), Event: event.ChildDied{Life: 3, Status: "exit 1"}}
	for b.Loop() {
		j.write(context.Background(), rec)
	}
}
