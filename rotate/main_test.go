package rotate

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/testproc"
)

func TestMain(m *testing.M) {
	testproc.Main(m, testproc.Roles{
		"pump-stdin":    pumpStdin,
		"die-at-step":   dieAtStep,
		"write-at-once": writeAtOnce,
	})
}

// testConfig is the default configuration on a folder of the test's own, with
// compression off, so that a test reads what was written.
func testConfig(t testing.TB) Config {
	t.Helper()
	c := config.Default[Config]()
	c.Dir = filepath.Join(t.TempDir(), "logs")
	c.Compress = compressNone
	return c
}

// room is a keeper that runs, with one log "out".
type room struct {
	*Keeper
	events event.Recorder
	ended  chan error
	t      testing.TB
}

func start(t testing.TB, c Config, prepare ...func(*Keeper)) *room {
	t.Helper()
	r := &room{ended: make(chan error, 1), t: t}
	k, err := Open(Options{Config: c, Names: []string{"out"}, Events: &r.events})
	if err != nil {
		t.Fatal(err)
	}
	r.Keeper = k
	for _, p := range prepare {
		p(k)
	}
	go func() { r.ended <- k.Run(context.Background()) }()
	t.Cleanup(func() { r.drain(10 * time.Second) })
	return r
}

func (r *room) drain(within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return r.Drain(ctx)
}

// finish drains and reports what Run returned.
func (r *room) finish() {
	r.t.Helper()
	if err := r.drain(20 * time.Second); err != nil {
		r.t.Fatal(err)
	}
	if err := <-r.ended; err != nil {
		r.t.Fatalf("Run: %v", err)
	}
}

func (r *room) writer() *os.File {
	r.t.Helper()
	w, err := r.Writer("out")
	if err != nil {
		r.t.Fatal(err)
	}
	return w
}

func (r *room) write(text string) {
	r.t.Helper()
	if _, err := io.WriteString(r.writer(), text); err != nil {
		r.t.Fatal(err)
	}
}

func (r *room) rotate(reason string) string {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	a, err := r.Rotate(ctx, "out", reason)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// balanced checks the invariant, and that nothing waits.
func (r *room) balanced() LogStatus {
	r.t.Helper()
	s := r.Status()[0]
	sum := Count{
		Lines: s.Written.Lines + s.Suppressed.Lines + s.Dropped.Lines + s.Queued.Lines,
		Bytes: s.Written.Bytes + s.Suppressed.Bytes + s.Dropped.Bytes + s.Queued.Bytes,
	}
	if sum != s.In {
		r.t.Fatalf("in %v is not written %v + suppressed %v + dropped %v + queued %v", s.In, s.Written, s.Suppressed, s.Dropped, s.Queued)
	}
	return s
}

func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// awaitEvent waits for an event, for as long as a loaded machine may need.
func awaitEvent[T event.Event](t testing.TB, r *event.Recorder, match func(T) bool) T {
	t.Helper()
	e, err := event.Await(within(t, 30*time.Second), r, match)
	if err != nil {
		t.Fatalf("no %T came: %v; got %v", e, err, r.Events())
	}
	return e
}

// readAll returns the archives, oldest first, and then the live file, decompressed.
func readAll(t testing.TB, dir, name string) (files []string, texts [][]byte) {
	t.Helper()
	f := &folder{path: dir}
	all, err := f.archives(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		files = append(files, a.name)
		texts = append(texts, readOne(t, filepath.Join(dir, a.name)))
	}
	live := filepath.Join(dir, name+liveSuffix)
	if _, err := os.Lstat(live); err == nil {
		files = append(files, filepath.Base(live))
		texts = append(texts, readOne(t, live))
	}
	return files, texts
}

func readOne(t testing.TB, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(path, gzipSuffix) {
		return raw
	}
	zip, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	raw, err = io.ReadAll(zip)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return raw
}

// numbered writes lines "line N ....." of the size from first to last.
func numbered(w io.Writer, first, last, size int) error {
	out := bufio.NewWriterSize(w, 64<<10)
	pad := strings.Repeat("x", size)
	for i := first; i <= last; i++ {
		line := fmt.Sprintf("line %d ", i)
		if n := size - len(line) - 1; n > 0 {
			line += pad[:n]
		}
		if _, err := out.WriteString(line + "\n"); err != nil {
			return err
		}
	}
	return out.Flush()
}

// checkNumbered checks that the texts hold the lines in order, each whole and
// once, but for those that gap lines account for. It returns how many are there
// and how many were told lost.
func checkNumbered(t testing.TB, texts [][]byte, last, size int) (have, lost int) {
	t.Helper()
	next := 1
	for _, text := range texts {
		if len(text) > 0 && text[len(text)-1] != '\n' {
			t.Fatalf("a file ends inside a line: %q", tailOf(text))
		}
		for line := range bytes.Lines(text) {
			if g, ok := bytes.CutPrefix(line, []byte("reeve: gap: ")); ok {
				n, _ := strconv.Atoi(string(g[:bytes.IndexByte(g, ' ')]))
				next, lost = next+n, lost+n
				continue
			}
			var n int
			if _, err := fmt.Sscanf(string(line), "line %d ", &n); err != nil || n != next {
				t.Fatalf("want line %d, got %q", next, tailOf(line))
			}
			if size > 0 && len(line) != size {
				t.Fatalf("line %d has %d bytes, want %d: %q", n, len(line), size, tailOf(line))
			}
			next++
			have++
		}
	}
	if have+lost != last {
		t.Fatalf("%d lines there, %d told lost, want %d together", have, lost, last)
	}
	return have, lost
}

func tailOf(b []byte) []byte { return b[max(0, len(b)-80):] }
