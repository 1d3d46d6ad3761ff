//go:build benchpeers && linux

package benchpeers

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// reeve is a running reeve.
type reeve struct{ *proc }

// report is the part of `reeve status --json` that is read here.
type report struct {
	Ready bool
	Child struct {
		PID   int
		Ready bool
	}
	Logs []struct {
		Name                        string
		In, Written, Dropped, Added count
		Suppressed, Queued          count
	}
}

type count struct{ Lines, Bytes uint64 }

// status is what reeve says of itself; false where it does not answer.
func (r *reeve) status() (report, bool) {
	cmd := exec.Command(binary(r.t), "status", "--json")
	cmd.Env = r.cmd.Env
	out, err := cmd.Output()
	var s report
	if err != nil {
		return s, false
	}
	return s, json.Unmarshal(out, &s) == nil
}

func (r *reeve) awaitReady() {
	r.t.Helper()
	until(r.t, "reeve to be ready", func() bool {
		s, ok := r.status()
		return ok && s.Child.Ready
	})
}

// identity tells a process from a later one with the same number.
type identity struct {
	pid  int
	born string
}

// statFields are the fields of /proc/PID/stat from the state (field 3) on.
func statFields(pid int) ([]string, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	i := strings.LastIndexByte(string(text), ')')
	if err != nil || i < 0 {
		return nil, false
	}
	f := strings.Fields(string(text)[i+1:])
	return f, len(f) > 20 && f[0] != "Z"
}

func born(pid int) (string, bool) {
	f, ok := statFields(pid)
	if !ok {
		return "", false
	}
	return f[19], true
}

// tree is the process and its descendants, the process first.
func tree(root int) []identity {
	children := map[int][]int{}
	names, _ := filepath.Glob("/proc/[0-9]*")
	for _, name := range names {
		pid, _ := strconv.Atoi(filepath.Base(name))
		if f, ok := statFields(pid); ok {
			parent, _ := strconv.Atoi(f[1])
			children[parent] = append(children[parent], pid)
		}
	}
	var out []identity
	for queue := []int{root}; len(queue) > 0; queue = queue[1:] {
		if at, ok := born(queue[0]); ok {
			out = append(out, identity{queue[0], at})
		}
		queue = append(queue, children[queue[0]]...)
	}
	return out
}

// ticks is the kernel's unit of processor time in /proc, fixed for programs.
const ticks = 100

// cpuTicks is user and system time of the process, its ended threads included,
// to 10 ms.
func cpuTicks(pid int) time.Duration {
	f, ok := statFields(pid)
	if !ok {
		return 0
	}
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticks
}

// cpuExact is the time on a processor of the process's living threads, to
// the nanosecond.
func cpuExact(pid int) time.Duration {
	var sum time.Duration
	names, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, name := range names {
		text, _ := os.ReadFile(name)
		f := strings.Fields(string(text))
		if len(f) == 0 {
			continue
		}
		ns, _ := strconv.ParseInt(f[0], 10, 64)
		sum += time.Duration(ns)
	}
	return sum
}

// memory is what the process holds, in KiB: resident, and its proportional
// share of that.
func memory(t testing.TB, pid int) (rss, pss int64) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	must(t, err)
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		n, _ := strconv.ParseInt(f[1], 10, 64)
		switch f[0] {
		case "Rss:":
			rss = n
		case "Pss:":
			pss = n
		}
	}
	return rss, pss
}
