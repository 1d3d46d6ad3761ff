//go:build benchpeers && linux

package benchpeers

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/testproc"
)

// rounds is how often each program keeps the log; the programs take turns, so
// that a slow minute of the machine meets all of them.
const rounds = 3

// logKeeper is a program that keeps its standard input as files of the folder.
type logKeeper struct {
	name, program string
	args          func(t testing.TB, dir string) []string
}

var logKeepers = []logKeeper{
	{"cat >file", "cat", func(testing.TB, string) []string { return nil }},
	{"multilog s16777215 n50", "multilog", func(_ testing.TB, dir string) []string { return []string{"s16777215", "n50", dir} }},
	{"s6-log s67108864 n20", "s6-log", func(_ testing.TB, dir string) []string { return []string{"n20", "s67108864", dir} }},
	{"svlogd s67108864 n20", "svlogd", func(t testing.TB, dir string) []string {
		write(t, 0o600, "s67108864\nn20\n", dir, "config")
		return []string{dir}
	}},
	{"rotatelogs 64M", "rotatelogs", func(_ testing.TB, dir string) []string { return []string{filepath.Join(dir, "log"), "64M"} }},
}

// pumped is one round of one program.
type pumped struct {
	cpu, wall time.Duration
	lines     int
}

// pump keeps the same log with reeve and with its peers.
func pump(t *testing.T) {
	t.Run("warm", func(t *testing.T) { logKeepers[0].keep(t) })
	results := map[string][]pumped{}
	for range rounds {
		t.Run("reeve", func(t *testing.T) { results["reeve"] = append(results["reeve"], reeveKeeps(t)) })
		for _, k := range logKeepers {
			t.Run(k.program, func(t *testing.T) { results[k.name] = append(results[k.name], k.keep(t)) })
		}
	}
	out := newTable("Keeping a log",
		fmt.Sprintf("%d MiB of %d-byte lines, written in blocks of 1 MiB into the program's pipe; median of %d rounds in turn. CPU is user and system time of the program itself, not of the writer; cat's own is about half where the kernel lets it share a processor's cache with the writer, so the ratio wants the spread beside it.", blocks, lineSize, rounds),
		"program", "CPU s", "least to most", "ratio to cat", "wall s", "lines kept / lines in")
	base := results[logKeepers[0].name]
	for _, name := range []string{logKeepers[0].name, "reeve", logKeepers[1].name, logKeepers[2].name, logKeepers[3].name, logKeepers[4].name} {
		r := results[name]
		if len(r) == 0 || len(base) == 0 {
			out.row(name, "not measured", "", "", "", "")
			continue
		}
		cpu, wall, lines := summary(r)
		catCPU, _, _ := summary(base)
		out.row(label(name), fmt.Sprintf("%.2f", cpu.Seconds()), spread(r), fmt.Sprintf("%.2f", cpu.Seconds()/catCPU.Seconds()),
			fmt.Sprintf("%.2f", wall.Seconds()), fmt.Sprintf("%d / %d", lines, len(r)*allLines))
	}
	out.print()
}

func label(name string) string {
	if name == "reeve" {
		return "**reeve** max_size 64MiB"
	}
	return name
}

func summary(of []pumped) (cpu, wall time.Duration, lines int) {
	var cpus, walls []time.Duration
	for _, p := range of {
		cpus, walls, lines = append(cpus, p.cpu), append(walls, p.wall), lines+p.lines
	}
	return median(cpus), median(walls), lines
}

// spread is the least and the most processor time of the rounds.
func spread(of []pumped) string {
	var cpus []float64
	for _, p := range of {
		cpus = append(cpus, p.cpu.Seconds())
	}
	return fmt.Sprintf("%.2f to %.2f", slices.Min(cpus), slices.Max(cpus))
}

// trigger holds a generator back until all stands.
type trigger struct {
	t    testing.TB
	path string
	l    net.Listener
	conn net.Conn
}

func newTrigger(t testing.TB) *trigger {
	t.Helper()
	path := filepath.Join(t.TempDir(), "go")
	l, err := net.Listen("unix", path)
	must(t, err)
	t.Cleanup(func() { l.Close() })
	return &trigger{t: t, path: path, l: l}
}

// await waits for the generator to stand by.
func (g *trigger) await() {
	g.t.Helper()
	var err error
	g.conn, err = g.l.Accept()
	must(g.t, err)
	g.t.Cleanup(func() { g.conn.Close() })
}

func (g *trigger) pull() { must(g.t, second(g.conn.Write([]byte{1}))) }

// written waits for the generator to have written all.
func (g *trigger) written() { must(g.t, second(io.ReadFull(g.conn, make([]byte, 1)))) }

func second[T any](_ T, err error) error { return err }

// keep runs the program over a whole log.
func (k logKeeper) keep(t *testing.T) pumped {
	program := testproc.Need(t, k.program)
	dir := filepath.Join(t.TempDir(), "logs")
	must(t, os.MkdirAll(dir, 0o700))
	cmd := exec.Command(program, k.args(t, dir)...)
	r, w, err := os.Pipe()
	must(t, err)
	cmd.Stdin = r
	if k.program == "cat" {
		f, err := os.Create(filepath.Join(dir, "out"))
		must(t, err)
		defer f.Close()
		cmd.Stdout = f
	}
	g := newTrigger(t)
	writer := testproc.Command("generate", g.path)
	writer.Stdout = w
	launch(t, writer)
	p := launch(t, cmd)
	r.Close()
	w.Close()
	g.await()
	start := time.Now()
	g.pull()
	<-p.done
	wall := time.Since(start)
	state := cmd.ProcessState
	return pumped{cpu: state.UserTime() + state.SystemTime(), wall: wall, lines: linesIn(t, dir)}
}

// reeveKeeps runs the generator as reeve's child.
func reeveKeeps(t *testing.T) pumped {
	dir := filepath.Join(t.TempDir(), "logs")
	g := newTrigger(t)
	r := runReeve(t, fmt.Sprintf(`
admin: {listen: "off"}
proxy: {command: [%q, %q, stay]}
rotate: {dir: %q, max_size: 64MiB, compress: none, keep: {count: 0, age: 0s, total: 0}}
`, testproc.Self(), g.path, dir), testproc.Env("generate"))
	g.await()
	r.awaitReady()
	before, start := cpuTicks(r.pid()), time.Now()
	g.pull()
	g.written()
	until(t, "all bytes to be in files", func() bool { return sizeOf(dir, "stdout") >= allBytes })
	p := pumped{wall: time.Since(start), cpu: cpuTicks(r.pid()) - before}
	s, ok := r.status()
	if !ok {
		t.Fatal("no status")
	}
	for _, l := range s.Logs {
		if l.Name == "stdout" && (l.Written.Lines != allLines || l.In.Lines != allLines || l.Dropped.Lines+l.Suppressed.Lines != 0) {
			t.Errorf("status says: %+v, want %d lines in and written", l, allLines)
		}
	}
	if p.lines = linesIn(t, dir); p.lines != allLines {
		t.Errorf("reeve kept %d lines of %d", p.lines, allLines)
	}
	return p
}

// sizeOf is the size of the folder's files whose names begin so.
func sizeOf(dir, prefix string) (sum int64) {
	names, _ := filepath.Glob(filepath.Join(dir, prefix+"*"))
	for _, name := range names {
		if info, err := os.Stat(name); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// linesIn counts the generator's lines below the folder.
func linesIn(t testing.TB, dir string) (lines int) {
	t.Helper()
	buf := make([]byte, 1<<20)
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "config" || d.Name()[0] == '.' {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		for {
			n, err := f.Read(buf)
			lines += bytes.Count(buf[:n], []byte("\n"))
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
		}
	}))
	return lines
}
