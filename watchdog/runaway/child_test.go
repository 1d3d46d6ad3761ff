package runaway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/scoreboard"
	"github.com/reeveproxy/reeve/internal/testproc"
)

func TestMain(m *testing.M) {
	os.Setenv("GORACE", "atexit_sleep_ms=0") // or each child would end a second late
	testproc.Main(m, testproc.Roles{"proxy": proxy})
}

// proxy has a runaway, a hundred requests that are exempt, and obeys kills. It
// tells each request that it ended.
func proxy() int {
	b, err := scoreboard.Open(os.NewFile(3, "board"))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	w := scoreboard.NewWriter(b)
	drip, _ := w.Claim("192.0.2.1:1", "GET", "/drip", 0)
	others := []scoreboard.Slot{drip}
	for range 100 {
		s, _ := w.Claim("192.0.2.2:2", "GET", "/events/1", 0)
		others = append(others, s)
	}
	fmt.Println("ready")
	for {
		for _, d := range w.Overdue(nil) {
			for _, s := range others {
				if s.ID() == d.ID {
					s.Release()
					fmt.Println("ended", d.ID)
				}
			}
		}
		time.Sleep(10 * time.Millisecond) // as the proxy's own sweep does
	}
}

// startProxy returns its board, its process and the lines that it tells.
func startProxy(t *testing.T) (*scoreboard.Board, *os.Process, *bufio.Scanner) {
	t.Helper()
	b, err := scoreboard.Create(256)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	cmd := testproc.Command("proxy")
	cmd.ExtraFiles = []*os.File{b.File()}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "ready" {
		t.Fatalf("proxy said %q", lines.Text())
	}
	return b, cmd.Process, lines
}

func quick() Config {
	c := config.Default[Config]()
	c.Timeout, c.Poll, c.Grace = config.Duration(200*time.Millisecond), config.Duration(50*time.Millisecond), config.Duration(time.Second)
	c.Exempt = []string{"/events"}
	return c
}

func TestProcessLosesItsRunawayAndNothingElse(t *testing.T) {
	b, _, lines := startProxy(t)
	rec := &event.Recorder{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	verdict := make(chan error, 1) // the one verdict
	go func() { verdict <- Hunt(ctx, quick(), Board(b), 1, rec) }()
	killed, err := event.Await[event.RequestKilled](ctx, rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !lines.Scan() || lines.Text() != fmt.Sprintf("ended %d", killed.ID) || killed.Path != "/drip" || killed.Client != "192.0.2.1:1" {
		t.Fatalf("killed %+v, the proxy %q", killed, lines.Text())
	}
	cancel()
	if err := <-verdict; err != nil {
		t.Fatal(err)
	}
	if left := b.Snapshot(nil); len(left) != 100 {
		t.Fatalf("%d requests are left of the 100 others", len(left))
	}
}

func TestStoppedProcessIsCondemnedByItsRunaway(t *testing.T) {
	b, proxy, _ := startProxy(t)
	if err := proxy.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	rec := &event.Recorder{}
	err := Hunt(ctx, quick(), Board(b), 1, rec)
	var c *Condemned
	if !errors.As(err, &c) || c.Request.Path != "/drip" || c.Kill != nil {
		t.Fatalf("verdict %v", err)
	}
	if k, s := event.Of[event.RequestKilled](rec), event.Of[event.RequestStuck](rec); len(k) != 1 || len(s) != 1 || k[0].ID != s[0].ID {
		t.Fatalf("events %v", rec.Events())
	}
}
