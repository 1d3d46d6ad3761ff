package rotate

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/testproc"
)

const crashLines, crashSize = 300, 60

// dieAtStep keeps a log in the folder of its first argument, turns it, and
// kills itself at the step of its second argument.
func dieAtStep() int {
	dir, step := os.Args[1], os.Args[2]
	c := config.Default[Config]()
	c.Dir = dir
	k, err := Open(Options{Config: c, Names: []string{"out"}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	die := func(s string) {
		if s == step {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	k.byName["out"].file.step, k.janitor.zip.step = die, die
	go k.Run(context.Background())
	w, _ := k.Writer("out")
	for turn := range 3 {
		if err := numbered(w, turn*crashLines/3+1, (turn+1)*crashLines/3, crashSize); err != nil {
			return 1
		}
		// What the pump holds at the kill would be lost, and that is no
		// matter of rotation.
		for k.Status()[0].Written.Lines != uint64((turn+1)*crashLines/3) {
			time.Sleep(time.Millisecond)
		}
		fmt.Println((turn + 1) * crashLines / 3)
		k.Rotate(context.Background(), "out", "asked")
	}
	select {} // the compressor gets there
}

func TestAKillAtAnyStepLosesNothingAndLeavesNoHalfArchive(t *testing.T) {
	for _, step := range []string{"linked", "turned", "unlinked", "opened", "compressed", "named", "synced", "removed"} {
		t.Run(step, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "logs")
			cmd := testproc.Command("die-at-step", dir, step)
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if cmd.ProcessState == nil || cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("the process ended by %v, want a kill", err)
			}
			var have int
			lines := strings.Fields(string(out))
			fmt.Sscan(lines[len(lines)-1], &have)
			have = max(have, lastNumber(t, dir)) // a kill by the compressor may come while more is written

			c := config.Default[Config]()
			c.Dir = dir
			r := start(t, c)
			must(t, numbered(r.writer(), have+1, have+50, crashSize))
			r.rotate("asked")
			// All that has turned is compressed in the end, what the kill left
			// included.
			ctx := within(t, 30*time.Second)
			for {
				_, err := event.Await(ctx, &r.events, func(e event.ArchiveCompressed) bool { return true })
				must(t, err)
				if raw, _ := filepath.Glob(filepath.Join(dir, "out-*.log")); len(raw) == 0 {
					break
				}
				time.Sleep(5 * time.Millisecond)
			}
			r.finish()
			_, texts := readAll(t, dir, "out")
			checkNumbered(t, texts, have+50, crashSize)
			entries, _ := os.ReadDir(dir)
			for _, e := range entries {
				_, ours := parseArchive("out", e.Name())
				if !ours && e.Name() != "out.log" && e.Name() != lockName {
					t.Errorf("%s is left", e.Name())
				}
			}
			if failed := event.Of[event.ArchiveFailed](&r.events); len(failed) > 0 {
				t.Errorf("%+v", failed)
			}
		})
	}
}

// lastNumber is the number of the newest line in the folder.
func lastNumber(t *testing.T, dir string) (last int) {
	t.Helper()
	_, texts := readAll(t, dir, "out")
	for _, text := range texts {
		for line := range strings.Lines(string(text)) {
			var n int
			fmt.Sscanf(line, "line %d ", &n)
			last = max(last, n)
		}
	}
	return last
}

func TestWhatACrashLeftIsMended(t *testing.T) {
	const archived = "out-20260101T000000.000Z-asked.log"
	const backup = "out-2026-01-01T00-00-00.000.log"
	cases := []struct {
		name   string
		before map[string]string // content; "=x" is a hard link to x
		after  map[string]string
	}{
		{"killed inside lumberjack, after its rename",
			map[string]string{archived: "a\n", backup: "=" + archived},
			map[string]string{archived: "a\n", "out.log": ""}},
		{"killed before lumberjack renamed",
			map[string]string{"out.log": "a\n", archived: "=out.log"},
			map[string]string{"out.log": "a\n"}},
		{"a backup of lumberjack alone",
			map[string]string{backup: "a\n", "out.log": "b\n"},
			map[string]string{"out-20260101T000000.000Z-recovered.log": "a\n", "out.log": "b\n"}},
		{"a backup whose name is taken",
			map[string]string{backup: "a\n", "out-20260101T000000.000Z-recovered.log": "0\n"},
			map[string]string{"out-20260101T000000.000Z-recovered.log": "0\n", "out-20260101T000000.000Z-recovered.1.log": "a\n", "out.log": ""}},
		{"a torn line",
			map[string]string{"out.log": "a\nb"},
			map[string]string{"out.log": "a\nb\n"}},
		{"half a compressed file",
			map[string]string{archived: "a\n", archived + ".gz.tmp": "\x1f\x8b"},
			map[string]string{archived: "a\n", "out.log": ""}},
		{"files of somebody else",
			map[string]string{"out-2026.log": "x", "other.log": "y", "x.gz.tmp": "z", "out-error.log": "e"},
			map[string]string{"out-2026.log": "x", "other.log": "y", "x.gz.tmp": "z", "out-error.log": "e", "out.log": ""}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c := testConfig(t)
			must(t, os.Mkdir(c.Dir, 0o750))
			for _, links := range []bool{false, true} {
				for name, text := range tc.before {
					if target, ok := strings.CutPrefix(text, "="); ok && links {
						must(t, os.Link(filepath.Join(c.Dir, target), filepath.Join(c.Dir, name)))
					} else if !ok && !links {
						must(t, os.WriteFile(filepath.Join(c.Dir, name), []byte(text), 0o640))
					}
				}
			}
			start(t, c).finish()
			got := map[string]string{}
			entries, _ := os.ReadDir(c.Dir)
			for _, e := range entries {
				if e.Name() != lockName {
					got[e.Name()] = string(readPlain(t, filepath.Join(c.Dir, e.Name())))
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(tc.after) {
				t.Fatalf("got  %v\nwant %v", got, tc.after)
			}
		})
	}
}

func readPlain(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}
