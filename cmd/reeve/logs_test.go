//go:build linux

package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/testproc"
	"github.com/reeveproxy/reeve/rotate"
)

// receiver is a webhook that keeps what it is told.
type receiver struct {
	url   string
	pages chan map[string]any
}

func startReceiver(t testing.TB) *receiver {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{url: "http://" + l.Addr().String(), pages: make(chan map[string]any, 1024)} // more than any test pages
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		var page map[string]any
		if json.Unmarshal(body, &page) == nil {
			r.pages <- page
		}
	})}
	done := make(chan struct{})
	go func() { defer close(done); s.Serve(l) }()
	t.Cleanup(func() { s.Close(); <-done })
	return r
}

// await returns the first page that contains all the words.
func (r *receiver) await(t testing.TB, words ...string) string {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case p := <-r.pages:
			text, _ := json.Marshal(p)
			missing := false
			for _, w := range words {
				missing = missing || !strings.Contains(string(text), w)
			}
			if !missing {
				return string(text)
			}
		case <-timeout:
			t.Fatalf("no page with %q within %v", words, patience)
		}
	}
}

func (r *reeve) logStatus(name string) rotate.LogStatus {
	r.t.Helper()
	for _, l := range r.report().Logs {
		if l.Name == name {
			return l
		}
	}
	r.t.Fatalf("status has no log %s", name)
	return rotate.LogStatus{}
}

func balanced(l rotate.LogStatus) bool {
	return l.In.Lines == l.Written.Lines+l.Suppressed.Lines+l.Dropped.Lines+l.Queued.Lines &&
		l.In.Bytes == l.Written.Bytes+l.Suppressed.Bytes+l.Dropped.Bytes+l.Queued.Bytes
}

// The book's emergency: a child writes 1 MB/s of one repeating error line. The
// log is turned by growth and a page names the line and its count.
func TestAnErrorStormIsRotatedAndPaged(t *testing.T) {
	to := startReceiver(t)
	path := write(t, t.TempDir(), "reeve.yaml", fmt.Sprintf(`
admin: {listen: "off"}
proxy: {command: [%q], env: {REEVE_TEST_ROLE: flood, FLOOD_RATE: "1000000"}}
pager: {receivers: [{name: desk, kind: webhook, url: %q}]}
`, testproc.Self(), to.url))
	r := start(t, "run", "-c", path)
	r.await("log_surged", func(l journalLine) bool { return l.text("log") == "stderr" })
	rotated := r.await("log_rotated", func(l journalLine) bool { return l.text("reason") == "growth" })
	if !strings.Contains(rotated.text("archive"), "growth") {
		t.Errorf("archive %q does not name its reason", rotated.text("archive"))
	}
	r.await("log_stormed", nil)
	page := to.await(t, "log_stormed", "Connection refused", "failed")
	t.Logf("page: %.400s", page)
	if l := r.logStatus("stderr"); !balanced(l) {
		t.Errorf("lines do not add up: %+v", l)
	}
}

// A child writes at full speed into a small disk. reeve and the child go on,
// every line is accounted for, and the page says disk.
func TestAFullDiskStopsNeitherChildNorReeve(t *testing.T) {
	testproc.NeedRoot(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m,mode=0750"); err != nil {
		testproc.Lack(t, "cannot mount a tmpfs: "+err.Error())
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	to := startReceiver(t)
	const total = 200 << 20
	path := write(t, t.TempDir(), "reeve.yaml", fmt.Sprintf(`
admin: {listen: "off"}
proxy: {command: [%q], env: {REEVE_TEST_ROLE: flood, FLOOD_BYTES: "%d"}}
rotate: {dir: %q, compress: none, spill_memory: 16MiB}
pager: {receivers: [{name: desk, kind: webhook, url: %q}]}
`, testproc.Self(), total, dir, to.url))
	r := start(t, "run", "-c", path)
	pid := r.await("child_ready", nil).text("pid")
	r.await("disk_full", nil)
	to.await(t, "disk_")
	for deadline := time.Now().Add(patience); r.logStatus("stderr").In.Bytes < total; {
		if time.Now().After(deadline) {
			t.Fatalf("the child is stalled: %+v", r.logStatus("stderr"))
		}
		time.Sleep(50 * time.Millisecond) // until the child has written all
	}
	l := r.logStatus("stderr")
	if !balanced(l) || l.Dropped.Lines == 0 {
		t.Errorf("lines do not add up, or none was dropped: %+v", l)
	}
	if got := r.report().Child; fmt.Sprint(got.PID) != pid || !got.Ready {
		t.Errorf("the child did not go on: %+v", got)
	}
	t.Logf("in %d lines, written %d, dropped %d, queued %d", l.In.Lines, l.Written.Lines, l.Dropped.Lines, l.Queued.Lines)
}

func TestRotationByCommandSignalAndSchedule(t *testing.T) {
	path := write(t, t.TempDir(), "reeve.yaml", `
admin: {listen: "off"}
proxy: {command: [sh, -c, "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.02; done"]}
rotate: {logs: [{name: stdout, schedule: ["*/3 * * * * *"]}]}
`)
	r := start(t, "run", "-c", path)
	r.await("child_ready", nil)
	r.await("log_rotated", func(l journalLine) bool { return l.text("reason") == "schedule" })
	for size := int64(0); size == 0; size = r.logStatus("stdout").Size {
	}
	out := r.verb("rotate", "stdout")
	if !strings.Contains(out, "asked") {
		t.Errorf("rotate printed %q", out)
	}
	for size := int64(0); size == 0; size = r.logStatus("stdout").Size {
	}
	r.signal(syscall.SIGUSR1)
	r.await("log_rotated", func(l journalLine) bool { return l.text("reason") == "signal" })
	if out, code := r.tryVerb("rotate", "nosuch"); code == 0 || !strings.Contains(out, "nosuch") {
		t.Errorf("exit %d, %q", code, out)
	}
	r.await("archive_compressed", nil)
	logs := filepath.Join(r.state, "logs")
	r.verb("stop")
	if code := r.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
	checkEveryLineIsThere(t, logs)
}

// checkEveryLineIsThere reads the archives and the live file of stdout in the
// order of their names and wants "line 1", "line 2" and so on without a gap.
func checkEveryLineIsThere(t *testing.T, dir string) {
	t.Helper()
	archives, err := filepath.Glob(filepath.Join(dir, "stdout-*"))
	if err != nil || len(archives) < 3 {
		t.Fatalf("archives: %v %v", archives, err)
	}
	want := 1
	for _, path := range append(archives, filepath.Join(dir, "stdout.log")) {
		for line := range strings.Lines(readLog(t, path)) {
			n, err := strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(line), "line "))
			if err != nil || n != want {
				t.Fatalf("%s: got %q, want line %d", path, line, want)
			}
			want++
		}
	}
	if want < 50 {
		t.Fatalf("found %d lines", want)
	}
}

func readLog(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	text, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The real Alertmanager is down when the child dies for good, and is told when
// it comes up; `reeve page test` says of each receiver whether it took a page.
func TestPagesReachARealAlertmanagerThatWasDown(t *testing.T) {
	am := testproc.Need(t, "prometheus-alertmanager")
	addr := freeAddr(t)
	path := write(t, t.TempDir(), "reeve.yaml", fmt.Sprintf(`
service: shop
admin: {listen: "off"}
proxy: {command: [%q], env: {REEVE_TEST_ROLE: exit-at-once}}
supervisor: {rest_after: 2, backoff: {initial: 10ms, max: 20ms}}
pager: {retry: {initial: 100ms, max: 500ms}, receivers: [{name: am, kind: alertmanager, url: "http://%s"}]}
`, testproc.Self(), addr))
	r := start(t, "run", "-c", path)
	r.await("child_rested", nil)
	r.await("page_failed", nil)
	if out, code := r.tryVerb("page", "test"); code == 0 || !strings.Contains(out, "FAILED") {
		t.Errorf("exit %d, %q", code, out)
	}
	dir := t.TempDir()
	cfg := write(t, dir, "am.yml", "route: {receiver: none}\nreceivers: [{name: none}]\n")
	cmd := exec.Command(am, "--config.file="+cfg, "--storage.path="+dir, "--web.listen-address="+addr, "--cluster.listen-address=")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	r.await("page_sent", func(l journalLine) bool { return strings.Contains(l.text("incident"), "child_rested") })
	_, body := get(t, "http://"+addr+"/api/v2/alerts")
	if !strings.Contains(body, "child_rested") || !strings.Contains(body, "shop") || strings.Count(body, "startsAt") != 1 {
		t.Errorf("alerts: %s", body)
	}
	if out := r.verb("page", "test"); !strings.Contains(out, "taken") {
		t.Errorf("page test: %q", out)
	}
}
