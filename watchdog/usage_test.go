package watchdog

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/testproc"
)

// spawnTree opens files, starts a child that starts one, tells the tree's pids
// and burns the CPU for each line that it is sent until its input ends.
func spawnTree() int {
	depth := os.Args[1]
	fmt.Println(os.Getpid())
	if depth == "" {
		io.Copy(io.Discard, os.Stdin)
		return 0
	}
	for range 50 {
		if _, err := os.Open(os.DevNull); err != nil {
			return 1
		}
	}
	c := testproc.Command("tree", depth[1:])
	in, err := c.StdinPipe()
	if err != nil {
		return 1
	}
	c.Stdout = os.Stdout
	if err := c.Start(); err != nil {
		return 1
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var before, now syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_SELF, &before)
		for now.Utime.Nano()-before.Utime.Nano() < int64(100*time.Millisecond) {
			syscall.Getrusage(syscall.RUSAGE_SELF, &now)
		}
		fmt.Println("burnt")
	}
	in.Close()
	c.Wait()
	return 0
}

// startTree starts a tree of three processes and waits until it stands.
func startTree(t testing.TB) (pid int, burn func()) {
	t.Helper()
	cmd := testproc.Command("tree", "xx")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	lines := bufio.NewScanner(out)
	for range 3 {
		if !lines.Scan() {
			t.Fatal("the tree does not stand")
		}
	}
	return cmd.Process.Pid, func() {
		io.WriteString(in, "go\n")
		if !lines.Scan() || !strings.HasPrefix(lines.Text(), "burnt") {
			t.Fatal("nothing was burnt")
		}
	}
}

func TestUsageOfATree(t *testing.T) {
	pid, burn := startTree(t)
	dir := t.TempDir()
	g := newGauges(pid, []string{dir, "/does/not/exist"})
	first := g.read(t.Context(), time.Now())
	if first.CPU != 0 {
		t.Errorf("the first reading has a CPU share of %v, which is of nothing", first.CPU)
	}
	burn()
	u := g.read(t.Context(), time.Now())
	if u.Processes != 3 || u.RSS < 3<<20 || u.CPU <= 0 || u.Threads < 3 {
		t.Errorf("%+v", u)
	}
	if len(u.Disks) != 1 || u.Disks[0].Path != dir || u.Disks[0].Total == 0 || u.Disks[0].Free == 0 {
		t.Errorf("disks %+v", u.Disks)
	}
	if u.MemTotal == 0 || u.MemAvailable == 0 || u.MemAvailable > u.MemTotal {
		t.Errorf("memory %d of %d", u.MemAvailable, u.MemTotal)
	}
	if runtime.GOOS != "linux" {
		return
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	// The two that have children opened 50 files each; the fullest counts.
	least := 100 * 50 / float64(limit.Max)
	if u.FDs < 100 || u.FDShare < least || u.FDShare > 100 {
		t.Errorf("%d files, share %v%%, want at least %v%%", u.FDs, u.FDShare, least)
	}
}

func TestUsageOfADeadProcess(t *testing.T) {
	cmd := testproc.Command("pass")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	u := newGauges(cmd.Process.Pid, nil).read(t.Context(), time.Now())
	if u.Processes != 0 || u.RSS != 0 || u.MemTotal == 0 {
		t.Fatalf("%+v", u)
	}
}

// Readings leave no descriptor behind, not even until the next collection of
// garbage, which an idle reeve begins every two minutes.
func TestReadingsHoldNoDescriptors(t *testing.T) {
	pid, _ := startTree(t)
	g := newGauges(pid, nil)
	g.read(t.Context(), time.Now())
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC()
	before := openFiles(t)
	for range 50 {
		g.read(t.Context(), time.Now())
	}
	if after := openFiles(t); after > before+10 {
		t.Errorf("%d open files before, %d after 50 readings of a tree of three", before, after)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(entries)
}

func TestTreeIsBounded(t *testing.T) {
	pid, _ := startTree(t)
	if got := tree(t.Context(), int32(pid), 2); len(got) != 2 || got[0] != int32(pid) {
		t.Fatalf("%v", got)
	}
}

// What a reading costs every 5 s, as percent of a core, for a tree of three.
func BenchmarkUsage(b *testing.B) {
	pid, _ := startTree(b)
	g := newGauges(pid, []string{"/"})
	g.read(b.Context(), time.Now())
	for b.Loop() {
		g.read(b.Context(), time.Now())
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/5e9*100, "%core@5s")
}

func TestScanFindsTheSameChildren(t *testing.T) {
	pid, _ := startTree(t)
	if got := scan(t.Context())[int32(os.Getpid())]; !slices.Contains(got, int32(pid)) {
		t.Fatalf("children of %d are %v, want %d among them", os.Getpid(), got, pid)
	}
}
