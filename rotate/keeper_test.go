package rotate

import (
	"bytes"
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

func TestLinesReachTheFileAndTheArchive(t *testing.T) {
	c := testConfig(t)
	r := start(t, c)
	r.write("one\ntwo\n")
	got := r.rotate("asked")
	if text := readOne(t, got); string(text) != "one\ntwo\n" {
		t.Fatalf("archive holds %q", text)
	}
	r.write("three\n")
	r.finish()
	s := r.balanced()
	if s.Written != (Count{3, 14}) || s.Queued != (Count{}) {
		t.Fatalf("written %v queued %v", s.Written, s.Queued)
	}
	if text := readOne(t, filepath.Join(c.Dir, "out.log")); string(text) != "three\n" {
		t.Fatalf("live file holds %q", text)
	}
	info, _ := os.Stat(filepath.Join(c.Dir, "out.log"))
	if info.Mode().Perm() != logMode {
		t.Fatalf("mode %v, want %v", info.Mode().Perm(), os.FileMode(logMode))
	}
	turned := event.Of[event.LogRotated](&r.events)
	if len(turned) != 1 || turned[0].Reason != "asked" || turned[0].Bytes != 8 {
		t.Fatalf("events %v", turned)
	}
}

func TestAnEmptyLogDoesNotTurn(t *testing.T) {
	c := testConfig(t)
	r := start(t, c)
	if a := r.rotate("asked"); a != "" {
		t.Fatalf("an empty log made the archive %s", a)
	}
	r.finish()
	if files, _ := readAll(t, c.Dir, "out"); len(files) != 1 {
		t.Fatalf("files %v", files)
	}
}

// Lumberjack alone keeps 117 of 500.
func TestFiveHundredTurnsInARowKeepFiveHundredArchives(t *testing.T) {
	const turns, size = 500, 40
	for _, zip := range []string{compressNone, compressGzip} {
		t.Run(zip, func(t *testing.T) {
			c := testConfig(t)
			c.Compress, c.Keep = zip, Keep{}
			r := start(t, c)
			for i := 1; i <= turns; i++ {
				var b bytes.Buffer
				numbered(&b, i, i, size)
				r.write(b.String())
				if a := r.rotate("asked"); a == "" {
					t.Fatalf("turn %d made no archive", i)
				}
			}
			if zip == compressGzip {
				for range turns {
					awaitEvent[event.ArchiveCompressed](t, &r.events, nil)
				}
			}
			r.finish()
			files, texts := readAll(t, c.Dir, "out")
			if len(files) != turns+1 {
				t.Fatalf("%d files, want %d", len(files), turns+1)
			}
			checkNumbered(t, texts, turns, size)
			if n := len(event.Of[event.ArchiveFailed](&r.events)); n > 0 {
				t.Fatalf("%d archives failed: %v", n, event.Of[event.ArchiveFailed](&r.events)[0])
			}
			entries, _ := os.ReadDir(c.Dir)
			if len(entries) != turns+2 { // the lock
				t.Fatalf("%d names in the folder, want %d", len(entries), turns+2)
			}
		})
	}
}

func TestNoLineIsSplitWhateverItsLength(t *testing.T) {
	for _, size := range []int{20, 150, 5000, 20000, 300_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			c := testConfig(t)
			c.MaxSize, c.Keep = 64<<10, Keep{}
			lines := max(40, 2_000_000/size)
			r := start(t, c)
			if err := numbered(r.writer(), 1, lines, size); err != nil {
				t.Fatal(err)
			}
			r.finish()
			files, texts := readAll(t, c.Dir, "out")
			checkNumbered(t, texts, lines, size)
			if len(files) < 20 {
				t.Fatalf("only %d files", len(files))
			}
			for i, text := range texts[:len(texts)-1] {
				if len(text) > max(64<<10, size) {
					t.Fatalf("%s has %d bytes, limit %d", files[i], len(text), 64<<10)
				}
			}
			s := r.balanced()
			if s.Written.Lines != uint64(lines) || s.Dropped.Lines != 0 {
				t.Fatalf("written %v dropped %v", s.Written, s.Dropped)
			}
		})
	}
}

func TestALineBeyondTheCapIsCutAndMarked(t *testing.T) {
	c := testConfig(t)
	r := start(t, c)
	long := strings.Repeat("y", LineCap+100)
	r.write(long + "\nshort\n")
	r.finish()
	_, texts := readAll(t, c.Dir, "out")
	want := long[:LineCap] + " [reeve: line cut]\n" + long[LineCap:] + "\nshort\n"
	if string(texts[0]) != want {
		t.Fatalf("file of %d bytes, want %d: …%q", len(texts[0]), len(want), tailOf(texts[0]))
	}
	s := r.balanced()
	if s.Written.Bytes != uint64(len(long)+len("\nshort\n")) || s.Written.Lines != 3 || s.Added.Bytes != uint64(len(" [reeve: line cut]\n")) {
		t.Fatalf("written %v added %v", s.Written, s.Added)
	}
}

func TestALifeThatEndsInsideALineIsEnded(t *testing.T) {
	c := testConfig(t)
	r := start(t, c)
	r.write("whole\npart")
	if err := r.EndLife(within(t, 10*time.Second), "out"); err != nil {
		t.Fatal(err)
	}
	r.write("next life\n")
	r.finish()
	if _, texts := readAll(t, c.Dir, "out"); string(texts[0]) != "whole\npart\nnext life\n" {
		t.Fatalf("%q", texts[0])
	}
	s := r.balanced()
	if s.In != (Count{3, 20}) || s.Added != (Count{0, 1}) {
		t.Fatalf("in %v added %v", s.In, s.Added)
	}
}

func TestThePipeOutlivesItsWriters(t *testing.T) {
	c := testConfig(t)
	r := start(t, c)
	for range 3 {
		cmd := testproc.Command("write-at-once")
		cmd.Stdout = r.writer()
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
	}
	r.finish()
	if _, texts := readAll(t, c.Dir, "out"); string(texts[0]) != strings.Repeat("of a child\n", 3) {
		t.Fatalf("%q", texts[0])
	}
}

// writeAtOnce also proves that the write end is a blocking one.
func writeAtOnce() int {
	flags, _, _ := syscall.Syscall(syscall.SYS_FCNTL, 1, syscall.F_GETFL, 0)
	if flags&syscall.O_NONBLOCK != 0 {
		fmt.Fprintln(os.Stderr, "standard output is non-blocking")
		return 1
	}
	fmt.Println("of a child")
	return 0
}

func TestATapSeesEveryLine(t *testing.T) {
	c := testConfig(t)
	var seen bytes.Buffer
	r := start(t, c, func(k *Keeper) { k.byName["out"].pump.tap = func(b []byte) { seen.Write(b) } })
	r.write("a\nb\nc")
	r.finish()
	if seen.String() != "a\nb\nc" {
		t.Fatalf("tap saw %q", seen.String())
	}
}

func TestAnAttachedSourceIsPumpedToItsEnd(t *testing.T) {
	for _, sort := range []string{"pipe", "file"} {
		t.Run(sort, func(t *testing.T) {
			c := testConfig(t)
			c.MaxSize, c.Keep = 64<<10, Keep{}
			var in *os.File
			if sort == "pipe" {
				pr, pw, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				in = pr
				go func() { numbered(pw, 1, 5000, 100); pw.Close() }()
			} else {
				f, err := os.Create(filepath.Join(t.TempDir(), "in"))
				if err != nil {
					t.Fatal(err)
				}
				numbered(f, 1, 5000, 100)
				f.Seek(0, 0)
				in = f
			}
			r := start(t, c, func(k *Keeper) {
				if err := k.Attach("out", in); err != nil {
					t.Fatal(err)
				}
			})
			if err := <-r.ended; err != nil {
				t.Fatal(err)
			}
			_, texts := readAll(t, c.Dir, "out")
			checkNumbered(t, texts, 5000, 100)
			r.balanced()
		})
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	c := testConfig(t)
	k, err := Open(Options{Config: c, Names: []string{"out", "access"}})
	if err != nil {
		t.Fatal(err)
	}
	w, _ := k.Writer("out")
	w.WriteString("last words")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := k.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if text := readOne(t, filepath.Join(c.Dir, "out.log")); string(text) != "last words\n" {
		t.Fatalf("%q", text)
	}
	// The lock is free again.
	k, err = Open(Options{Config: c, Names: []string{"out"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Drain(within(t, time.Second)); err != nil {
		t.Fatal(err)
	}
}

func TestAFolderThatWillNotDoIsRefusedByName(t *testing.T) {
	cases := []struct {
		name, want string
		root       bool
		make       func(t *testing.T, dir string)
	}{
		{"symlink", "is a symlink", false, func(t *testing.T, dir string) {
			must(t, os.Symlink(t.TempDir(), dir))
		}},
		{"file", "not a folder", false, func(t *testing.T, dir string) {
			must(t, os.WriteFile(dir, nil, 0o600))
		}},
		{"open to all", "can be written by everybody", false, func(t *testing.T, dir string) {
			must(t, os.Mkdir(dir, 0o700))
			must(t, os.Chmod(dir, 0o777))
		}},
		{"foreign", "belongs to uid 65534", true, func(t *testing.T, dir string) {
			must(t, os.Mkdir(dir, 0o700))
			must(t, os.Chown(dir, 65534, 65534))
		}},
		{"foreign group", "can be written by group 65534", true, func(t *testing.T, dir string) {
			must(t, os.Mkdir(dir, 0o700))
			must(t, os.Chown(dir, 0, 65534))
			must(t, os.Chmod(dir, 0o770))
		}},
		{"log is a symlink", "is a symlink", false, func(t *testing.T, dir string) {
			must(t, os.Mkdir(dir, 0o700))
			must(t, os.Symlink("/etc/hosts", filepath.Join(dir, "out.log")))
		}},
		{"log is a fifo", "is a fifo", false, func(t *testing.T, dir string) {
			must(t, os.Mkdir(dir, 0o700))
			must(t, syscall.Mkfifo(filepath.Join(dir, "out.log"), 0o600))
		}},
		{"log has two names", "has 2 names", false, func(t *testing.T, dir string) {
			must(t, os.Mkdir(dir, 0o700))
			must(t, os.WriteFile(filepath.Join(dir, "victim"), []byte("x\n"), 0o600))
			must(t, os.Link(filepath.Join(dir, "victim"), filepath.Join(dir, "out.log")))
		}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if tc.root {
				testproc.NeedRoot(t)
			}
			c := testConfig(t)
			tc.make(t, c.Dir)
			_, err := Open(Options{Config: c, Names: []string{"out"}})
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), c.Dir) {
				t.Fatalf("got %v, want %q and the path %s", err, tc.want, c.Dir)
			}
		})
	}
}

func TestAFolderThatCannotBeWrittenIsRefused(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere; the read-only filesystem in the full-disk tests covers it")
	}
	c := testConfig(t)
	must(t, os.Mkdir(c.Dir, 0o500))
	_, err := Open(Options{Config: c, Names: []string{"out"}})
	if err == nil || !strings.Contains(err.Error(), "cannot be written") {
		t.Fatalf("got %v", err)
	}
}

func TestTheSecondKeeperIsToldWhoHoldsTheFolder(t *testing.T) {
	c := testConfig(t)
	start(t, c)
	_, err := Open(Options{Config: c, Names: []string{"out"}})
	want := fmt.Sprintf("is kept by another reeve (pid %d)", os.Getpid())
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("got %v, want %q", err, want)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheLiveFileMayBeTakenAway(t *testing.T) {
	cases := []struct {
		what string
		do   func(t *testing.T, path string)
	}{
		{"removed", func(t *testing.T, path string) { must(t, os.Remove(path)) }},
		{"replaced", func(t *testing.T, path string) {
			must(t, os.Rename(path, path+".moved"))
			must(t, os.WriteFile(path, nil, 0o640))
		}},
		{"truncated", func(t *testing.T, path string) { must(t, os.Truncate(path, 0)) }},
	}
	for _, tc := range cases {
		t.Run(tc.what, func(t *testing.T) {
			c := testConfig(t)
			r := start(t, c)
			r.write("before\n")
			r.rotate("asked") // the file after a turn is the one lumberjack would open without O_APPEND
			r.write("lost with its file\n")
			path := filepath.Join(c.Dir, "out.log")
			awaitSize(t, r, 19)
			tc.do(t, path)
			e := awaitEvent[event.LogReopened](t, &r.events, nil)
			if e.What != tc.what || e.Log != "out" {
				t.Fatalf("event %+v", e)
			}
			r.write("after\n")
			a := r.rotate("asked")
			if text := readOne(t, a); string(text) != "after\n" {
				t.Fatalf("archive holds %q", text)
			}
			r.finish()
			r.balanced()
		})
	}
}

// What a stranger puts at the path is told by what it is, and not as a full
// disk: nobody looks for space, and no archive is deleted for it.
func TestWhatBarsTheLiveFileIsToldByItsName(t *testing.T) {
	cases := map[string]func(path string) error{
		"is a fifo,":    func(path string) error { return syscall.Mkfifo(path, 0o640) },
		"is a symlink,": func(path string) error { return os.Symlink("/dev/null", path) },
		"is a folder,":  func(path string) error { return os.Mkdir(path, 0o750) },
	}
	for what, put := range cases {
		t.Run(strings.Trim(what, ","), func(t *testing.T) {
			c := testConfig(t)
			r := start(t, c)
			r.write("before\n")
			kept := r.rotate("asked")
			path := filepath.Join(c.Dir, "out.log")
			for must(t, os.Remove(path)); put(path) != nil; must(t, os.Remove(path)) {
				// the keeper was quicker
			}
			awaitEvent[event.LogReopened](t, &r.events, nil) // what comes before goes where the file went
			r.write("after\n")
			failed := awaitEvent[event.LogRotateFailed](t, &r.events, nil)
			if failed.Log != "out" || !strings.Contains(failed.Error, what) {
				t.Errorf("told %+v, want that it %s", failed, what)
			}
			must(t, os.Remove(path))
			awaitEvent[event.LogRotateRecovered](t, &r.events, nil)
			if text := readOne(t, r.rotate("asked")); string(text) != "after\n" {
				t.Errorf("archive holds %q", text)
			}
			if text := readOne(t, kept); string(text) != "before\n" {
				t.Errorf("the archive before holds %q", text)
			}
			r.finish()
			for _, e := range r.events.Events() {
				switch e.(type) {
				case event.DiskFull, event.DiskLow, event.DiskRecovered, event.ArchivesRemoved:
					t.Errorf("told %+v", e)
				}
			}
			r.balanced()
		})
	}
}

// awaitSize waits until the log's loop says that the live file has the size.
func awaitSize(t *testing.T, r *room, size int64) {
	t.Helper()
	ctx := within(t, 20*time.Second)
	for r.Status()[0].Size != size {
		select {
		case <-ctx.Done():
			t.Fatalf("the live file has %d bytes, want %d", r.Status()[0].Size, size)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestOneLogMayDifferFromTheRest(t *testing.T) {
	c := testConfig(t)
	size, keep := config.Size(1<<20), Keep{Count: 3}
	c.Schedule = []string{"@daily"}
	c.Logs = []LogConfig{{Name: "access", MaxSize: &size, Keep: &keep, FullDisk: fullDrop, File: "requests.log"}}
	must(t, c.Validate())
	access, err := c.of("access")
	must(t, err)
	if access.maxSize != 1<<20 || access.keep.Count != 3 || access.fullDisk != fullDrop || access.class != ClassAccess ||
		filepath.Base(access.file) != "requests.log" || len(access.schedules) != 1 {
		t.Fatalf("access: %+v", access)
	}
	stderr, err := c.of("stderr")
	must(t, err)
	if stderr.maxSize != 100<<20 || stderr.keep.Count != 30 || stderr.fullDisk != fullSpill || stderr.class != ClassError {
		t.Fatalf("stderr: %+v", stderr)
	}
}

func TestAConfigurationTellsAllItsProblems(t *testing.T) {
	c := testConfig(t)
	c.TimeZone = "Mars/Olympus"
	c.Schedule = []string{"0 0 31 2 *", "TZ=", "@daily", ",,, * * * *"}
	c.MaxSize = 100
	c.Logs = []LogConfig{{Name: "a/b"}, {Name: "x", File: "../x.log"}, {Name: "x"}, {Name: "y", File: "x.log"}}
	problems := config.List(c.Validate())
	var keys []string
	for _, p := range problems {
		keys = append(keys, p.Key)
	}
	want := "time_zone schedule[0] schedule[1] schedule[3] max_size logs[0].name logs[1].file logs[2].name logs[3].file"
	if got := strings.Join(keys, " "); got != want {
		t.Fatalf("problems of\n%s\nwant\n%s\n%v", got, want, c.Validate())
	}
}
