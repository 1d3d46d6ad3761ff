package pager

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/testproc"
)

// seen is an alert as the real Alertmanager shows it.
type seen struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
	Status      struct{ State string }
}

// freeAddress is a loopback address on which nobody listens at this moment.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startAlertmanager runs the real one in a folder of the test.
func startAlertmanager(t *testing.T, address string) {
	t.Helper()
	program := testproc.Need(t, "prometheus-alertmanager")
	dir := t.TempDir()
	file := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(file, []byte("route: {receiver: none}\nreceivers: [{name: none}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--config.file="+file, "--storage.path="+dir,
		"--web.listen-address="+address, "--cluster.listen-address=")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
}

// awaitAlerts asks the Alertmanager until its alerts are as wanted.
func awaitAlerts(t *testing.T, address, what string, wanted func([]seen) bool) []seen {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var last []seen
	for {
		if got, err := alertsAt(ctx, address); err == nil {
			if last = got; wanted(got) {
				return got
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: not seen within a minute; alerts %+v", what, last)
		}
	}
}

func alertsAt(ctx context.Context, address string) ([]seen, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/api/v2/alerts", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var out []seen
	return out, json.NewDecoder(resp.Body).Decode(&out)
}

func amOptions(address, dir string) Options {
	return Options{
		Dir: dir, Transport: &http.Transport{},
		Evidence: func() map[string]string { return map[string]string{"last line": "connect() failed"} },
		Config: Config{
			Receivers: []ReceiverConfig{{Name: "am", Kind: KindAlertmanager, URL: "http://" + address}},
			Retry:     RetryConfig{Initial: config.Duration(20 * time.Millisecond), Max: config.Duration(200 * time.Millisecond)},
		},
	}
}

// The Alertmanager is down when the incident opens, and reeve is restarted
// before it comes up; later reeve is restarted again before the incident ends.
func TestRealAlertmanagerThatComesUpLate(t *testing.T) {
	testproc.Need(t, "prometheus-alertmanager")
	address, dir := freeAddress(t), t.TempDir()
	begin := time.Now()

	first := open(t, amOptions(address, dir))
	first.hub.Emit(event.PoolEmpty{Pool: "static"})
	first.hub.Emit(event.PoolEmpty{Pool: "static"})
	if _, err := event.Await[event.PageFailed](t.Context(), first.events, nil); err != nil {
		t.Fatal(err)
	}
	first.close(t)

	second := open(t, amOptions(address, dir))
	if _, err := event.Await[event.PageFailed](t.Context(), second.events, nil); err != nil {
		t.Fatal(err)
	}
	startAlertmanager(t, address)
	got := awaitAlerts(t, address, "the alert", func(a []seen) bool { return len(a) > 0 })
	checkAlert(t, got, begin)
	if _, err := event.Await(t.Context(), second.events, func(e event.PageSent) bool { return e.State == Firing }); err != nil {
		t.Fatal(err)
	}
	second.hub.Emit(event.DiskLow{Path: "/logs"})
	awaitAlerts(t, address, "a second alert", func(a []seen) bool { return len(a) == 2 })
	second.close(t)

	third := open(t, amOptions(address, dir))
	third.hub.Emit(event.PoolServing{Pool: "static"})
	left := awaitAlerts(t, address, "the end", func(a []seen) bool { return len(a) == 1 })
	if left[0].Labels["alertname"] != "disk_low" {
		t.Errorf("the wrong alert was resolved: left %+v", left)
	}
	third.hub.Emit(event.DiskRecovered{Path: "/logs"})
	awaitAlerts(t, address, "the end of all", func(a []seen) bool { return len(a) == 0 })
	if _, err := event.Await(t.Context(), third.events, func(e event.PageSent) bool {
		return e.State == Resolved && e.Incident == "reeve/h1/shop/disk_low//logs"
	}); err != nil {
		t.Fatal(err)
	}
	third.close(t)
	if n := len(files(t, dir)); n != 1 {
		t.Errorf("%d files in the spool after all is told, want the incidents only", n)
	}
}

func checkAlert(t *testing.T, got []seen, begin time.Time) {
	t.Helper()
	if len(got) != 1 {
		t.Fatalf("%d alerts, want 1 for two events of one incident: %+v", len(got), got)
	}
	a := got[0]
	for label, want := range map[string]string{
		"alertname": "pool_empty", "severity": "critical", "service": "shop", "instance": "h1", "subject": "static",
	} {
		if a.Labels[label] != want {
			t.Errorf("label %s is %q, want %q", label, a.Labels[label], want)
		}
	}
	if a.Annotations["summary"] == "" || a.Annotations["description"] == "" || a.Annotations["evidence_last_line"] != "connect() failed" {
		t.Errorf("annotations %v", a.Annotations)
	}
	if a.Status.State != "active" || a.StartsAt.Before(begin.Add(-time.Second)) || a.EndsAt.Before(time.Now().Add(time.Hour)) {
		t.Errorf("state %s, starts %s, ends %s", a.Status.State, a.StartsAt, a.EndsAt)
	}
}

func TestRealAlertmanagerTakesATestPage(t *testing.T) {
	testproc.Need(t, "prometheus-alertmanager")
	address := freeAddress(t)
	startAlertmanager(t, address)
	awaitAlerts(t, address, "the API", func([]seen) bool { return true })
	o := amOptions(address, "")
	o.Service, o.Host = "shop", "h1"
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Test(t.Context(), "uid 0")
	if err != nil || len(res) != 1 || res[0].Error != "" || res[0].Target != "http://"+address+"/…" {
		t.Fatalf("%+v %v", res, err)
	}
	got := awaitAlerts(t, address, "the test page", func(a []seen) bool { return len(a) > 0 })
	if got[0].Labels["alertname"] != "page_tested" || got[0].Annotations["by"] != "uid 0" {
		t.Errorf("%+v", got)
	}
}
