package pager

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "spool"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func opsConfig() Config { return Config{Receivers: []ReceiverConfig{hook("ops")}} }

// reeve ends while the receiver is down; the next reeve tells the page, and the
// end of the incident that the first one opened.
func TestSpoolSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		w.set("ops.test", down)
		first := open(t, Options{Dir: dir, Transport: w, Config: opsConfig()})
		first.hub.Emit(event.DiskLow{Path: "/logs"})
		first.close(t)
		got := files(t, dir)
		if len(got) != 2 || got[0] != incidentsFile || !strings.HasPrefix(got[1], pagePrefix+"ops-") {
			t.Fatalf("spool holds %v", got)
		}
		info, err := os.Stat(filepath.Join(dir, "spool", got[1]))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}

		time.Sleep(time.Minute)
		second := open(t, Options{Dir: dir, Config: opsConfig()})
		synctest.Wait()
		posts := second.wire.to("ops.test")
		if len(posts) != 1 || pageOf(t, posts[0]).Key != "reeve/h1/shop/disk_low//logs" || pageOf(t, posts[0]).State != Firing {
			t.Fatalf("posts %+v", posts)
		}
		second.hub.Emit(event.DiskRecovered{Path: "/logs"})
		synctest.Wait()
		posts = second.wire.to("ops.test")
		if len(posts) != 2 || pageOf(t, posts[1]).State != Resolved {
			t.Errorf("the end of an inherited incident: %+v", posts)
		}
		second.close(t)
		if got := files(t, dir); len(got) != 1 || got[0] != incidentsFile {
			t.Errorf("spool holds %v after all is told", got)
		}
		text, _ := os.ReadFile(filepath.Join(dir, "spool", incidentsFile))
		if string(text) != "[]" {
			t.Errorf("open incidents on disk: %s", text)
		}
	})
}

func TestSpoolTakesNoNonsense(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "spool")
	os.Mkdir(folder, 0o700)
	stranger := waiting{Receiver: "gone", Page: Page{Key: "reeve/h1/shop/disk_low", Severity: "urgent"}}
	text, _ := json.Marshal(stranger)
	for name, content := range map[string]string{
		tmpPrefix + "123": "half", incidentsFile: "not JSON", "README": "not ours",
		pagePrefix + "ops-0.json": "{", pagePrefix + "ops-1.json": `{"page":{"key":"x"}}`, stranger.file(): string(text),
	} {
		os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600)
	}
	os.Symlink("/etc/passwd", filepath.Join(folder, pagePrefix+"ops-2.json"))
	synctest.Test(t, func(t *testing.T) {
		h := open(t, Options{Dir: dir, Config: opsConfig()})
		h.close(t)
		if n := len(event.Of[event.PageDropped](h.events)); n != 5 {
			t.Errorf("%d drops told, want 3 files, the incidents and the stranger: %+v", n, h.events.Events())
		}
	})
	if got := files(t, dir); len(got) != 2 || got[0] != "README" {
		t.Errorf("left %v", got)
	}
}

// A folder that cannot be made: pages are told as ever, and the status says
// that they are in memory only.
func TestASpoolThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "spool"), []byte("a file is in the way"), 0o600)
	synctest.Test(t, func(t *testing.T) {
		h := open(t, Options{Dir: dir, Config: opsConfig()})
		h.hub.Emit(event.DiskLow{Path: "/logs"})
		synctest.Wait()
		if n := len(h.wire.to("ops.test")); n != 1 {
			t.Errorf("%d posts, want 1", n)
		}
		if s := h.pager.Status(); !strings.Contains(s.Degraded, "spool") || s.Spool == "" {
			t.Errorf("status %+v", s)
		}
		// Once it can be written, it is, without new news.
		os.Remove(filepath.Join(dir, "spool"))
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := h.pager.Status(); s.Degraded != "" {
			t.Errorf("still degraded: %s", s.Degraded)
		}
		if got := files(t, dir); len(got) != 1 || got[0] != incidentsFile {
			t.Errorf("spool holds %v", got)
		}
		h.close(t)
	})
}

func BenchmarkApply(b *testing.B) {
	l := newLedger("h1", "shop", half, t0)
	rec := event.Record{Time: t0, Event: event.DiskLow{Path: "/logs"}}
	for b.Loop() {
		l.apply(rec)
		l.due(t0)
	}
}
