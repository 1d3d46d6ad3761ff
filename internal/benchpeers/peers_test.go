//go:build benchpeers && linux

package benchpeers

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/testproc"
)

// patience bounds every wait: a wait that takes longer is a hang, not a figure.
const patience = 60 * time.Second

// stopTime is how long a program may take to end when it is asked to.
const stopTime = 10 * time.Second

func TestMain(m *testing.M) {
	testproc.Main(m, testproc.Roles{
		"generate": generate,
		"serve":    serve,
	})
}

// reeveBinary is the program as it is shipped, built once for the whole run.
var reeveBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "reeve-peers-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "reeve")
	out, err := exec.Command("go", "build", "-o", bin, "../../cmd/reeve").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build reeve: %w\n%s", err, out)
	}
	return bin, nil
})

// TestPeers is the whole run, one table after the other.
func TestPeers(t *testing.T) {
	bin := binary(t)
	t.Cleanup(func() { os.RemoveAll(filepath.Dir(bin)) })
	t.Run("pump", pump)
	t.Run("restart", restart)
	t.Run("idle", idle)
	t.Run("proxy", proxy)
}

func binary(t testing.TB) string {
	t.Helper()
	bin, err := reeveBinary()
	must(t, err)
	return bin
}

// proc is a program that runs for a while.
type proc struct {
	t    testing.TB
	cmd  *exec.Cmd
	out  *os.File // what it printed
	done chan struct{}
}

// launch starts the command in a process group of its own. At the end of the
// test it and everything below it is gone.
func launch(t testing.TB, cmd *exec.Cmd) *proc {
	t.Helper()
	p := &proc{t: t, cmd: cmd, done: make(chan struct{})}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var err error
	p.out, err = os.Create(filepath.Join(t.TempDir(), "out"))
	must(t, err)
	if cmd.Stdout == nil {
		cmd.Stdout = p.out
	}
	if cmd.Stderr == nil {
		cmd.Stderr = p.out
	}
	must(t, cmd.Start())
	go func() { defer close(p.done); cmd.Wait() }()
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("%s printed:\n%.4000s", cmd.Path, p.printed())
		}
		p.out.Close()
	})
	return p
}

func (p *proc) pid() int { return p.cmd.Process.Pid }

func (p *proc) printed() string {
	text, _ := os.ReadFile(p.out.Name())
	return string(text)
}

// stop ends the program politely, and then whatever is left of its tree.
func (p *proc) stop() {
	below := tree(p.pid())
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(stopTime):
		p.t.Logf("%s did not end within %v", p.cmd.Path, stopTime)
		below = append(below, tree(p.pid())...)
	}
	for _, id := range below {
		if at, ok := born(id.pid); ok && at == id.born {
			syscall.Kill(id.pid, syscall.SIGKILL)
		}
	}
	<-p.done
}

// runReeve runs reeve with the configuration and a state folder of its own.
func runReeve(t testing.TB, yaml string, env ...string) *reeve {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "reeve.yaml")
	must(t, os.WriteFile(path, []byte(yaml), 0o600))
	cmd := exec.Command(binary(t), "run", "-c", path)
	cmd.Env = append(os.Environ(), append(env, "REEVE_STATE="+filepath.Join(dir, "state"))...)
	return &reeve{launch(t, cmd)}
}

// until waits for something to become true.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, mode os.FileMode, text string, path ...string) string {
	t.Helper()
	name := filepath.Join(path...)
	must(t, os.MkdirAll(filepath.Dir(name), 0o755))
	must(t, os.WriteFile(name, []byte(text), mode))
	return name
}

// table is a Markdown table.
type table struct {
	bytes.Buffer
}

func newTable(title, note string, columns ...string) *table {
	t := new(table)
	fmt.Fprintf(t, "\n### %s\n\n%s\n\n", title, note)
	t.row(columns...)
	marks := slices.Repeat([]string{"---:"}, len(columns))
	marks[0] = "---"
	t.row(marks...)
	return t
}

func (t *table) row(cells ...string) { fmt.Fprintf(t, "| %s |\n", strings.Join(cells, " | ")) }

func (t *table) print() { fmt.Println(t.String()) }

// median is the middle of the figures, the lower one of two.
func median[T int | int64 | float64 | time.Duration](of []T) T {
	s := slices.Sorted(slices.Values(of))
	return s[(len(s)-1)/2]
}
