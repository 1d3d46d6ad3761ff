package rotate

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/testproc"
)

// smallDisk mounts a filesystem in memory and returns its folder.
func smallDisk(t testing.TB, size string) string {
	t.Helper()
	testproc.NeedRoot(t)
	dir := t.TempDir()
	if err := syscall.Mount("reeve-test", dir, "tmpfs", 0, "mode=0750,size="+size); err != nil {
		testproc.Lack(t, "needs the right to mount: "+err.Error())
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

func remount(t testing.TB, dir string, flags uintptr, data string) {
	t.Helper()
	if err := syscall.Mount("reeve-test", dir, "tmpfs", syscall.MS_REMOUNT|flags, data); err != nil {
		t.Fatal(err)
	}
}

// awaitTrouble waits until a write was refused.
func awaitTrouble(t testing.TB, r *room) {
	t.Helper()
	ctx := within(t, 30*time.Second)
	for r.Status()[0].Trouble == "" {
		select {
		case <-ctx.Done():
			t.Fatal("the disk was never full")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestAFullDiskLosesNothingThatFitsTheMemory(t *testing.T) {
	const lines, size = 40_000, 100
	c := testConfig(t)
	mount := smallDisk(t, "2m")
	c.Dir = filepath.Join(mount, "logs")
	r := start(t, c)
	// It returns although there is no room for half of it.
	must(t, numbered(r.writer(), 1, lines, size))
	awaitTrouble(t, r)
	full := awaitEvent[event.DiskFull](t, &r.events, nil)
	if full.Path != c.Dir || full.Policy != fullSpill || !strings.Contains(full.Error, "no space left") {
		t.Fatalf("event %+v", full)
	}
	r.balanced()
	remount(t, mount, 0, "size=16m")
	awaitEvent[event.DiskRecovered](t, &r.events, nil)
	r.finish()
	s := r.balanced()
	_, texts := readAll(t, c.Dir, "out")
	have, lost := checkNumbered(t, texts, lines, size)
	if lost != 0 || s.Dropped.Lines != 0 || s.Written != (Count{lines, lines * size}) {
		t.Fatalf("%d lines there, %d lost; written %v dropped %v", have, lost, s.Written, s.Dropped)
	}
	if n := len(event.Of[event.DiskFull](&r.events)); n != 1 {
		t.Fatalf("%d DiskFull events", n)
	}
}

func TestAFullDiskDropsWithExactCounts(t *testing.T) {
	for _, policy := range []string{fullSpill, fullDrop} {
		t.Run(policy, func(t *testing.T) {
			const lines, size = 120_000, 100
			c := testConfig(t)
			mount := smallDisk(t, "2m")
			c.Dir, c.FullDisk, c.SpillMemory = filepath.Join(mount, "logs"), policy, 2<<20
			r := start(t, c)
			must(t, numbered(r.writer(), 1, lines, size))
			awaitTrouble(t, r)
			r.balanced()
			remount(t, mount, 0, "size=64m")
			r.finish()
			s := r.balanced()
			_, texts := readAll(t, c.Dir, "out")
			have, lost := checkNumbered(t, texts, lines, size)
			if uint64(lost) != s.Dropped.Lines || uint64(have) != s.Written.Lines || lost == 0 {
				t.Fatalf("%d lines there, %d told lost; written %v dropped %v", have, lost, s.Written, s.Dropped)
			}
			if s.In != (Count{lines, lines * size}) || s.Dropped.Bytes != s.Dropped.Lines*size {
				t.Fatalf("in %v dropped %v", s.In, s.Dropped)
			}
			var told uint64
			for _, e := range event.Of[event.LinesDropped](&r.events) {
				told += e.Lines
				if e.Reason != "enospc" {
					t.Fatalf("event %+v", e)
				}
			}
			if told != s.Dropped.Lines {
				t.Fatalf("events tell of %d lines, %d were dropped", told, s.Dropped.Lines)
			}
		})
	}
}

func TestAFullDiskBlocksWhereThatIsWanted(t *testing.T) {
	const lines, size = 120_000, 100
	c := testConfig(t)
	mount := smallDisk(t, "2m")
	c.Dir, c.FullDisk = filepath.Join(mount, "logs"), fullBlock
	r := start(t, c)
	wrote := make(chan error, 1)
	go func() { wrote <- numbered(r.writer(), 1, lines, size) }()
	awaitTrouble(t, r)
	select {
	case <-wrote:
		t.Fatal("12 MB went into 2 MiB of disk, 1 MiB of queue and 1 MiB of pipe")
	default:
	}
	remount(t, mount, 0, "size=64m")
	must(t, <-wrote)
	r.finish()
	s := r.balanced()
	_, texts := readAll(t, c.Dir, "out")
	checkNumbered(t, texts, lines, size)
	if s.Dropped.Lines != 0 || s.Written.Lines != lines {
		t.Fatalf("written %v dropped %v", s.Written, s.Dropped)
	}
}

func TestAFilesystemThatTurnsReadOnlyIsOutlived(t *testing.T) {
	const lines, size = 1000, 100
	c := testConfig(t)
	mount := smallDisk(t, "4m")
	c.Dir = filepath.Join(mount, "logs")
	must(t, os.Mkdir(c.Dir, 0o750))
	// A writable descriptor forbids the remount, so it happens while there is
	// no keeper, and the file's filesystem is full in that other sense.
	r := start(t, c, func(k *Keeper) {
		k.byName["out"].file.close()
		k.folder.lock.Close()
		remount(t, mount, syscall.MS_RDONLY, "")
	})
	must(t, numbered(r.writer(), 1, lines, size))
	awaitTrouble(t, r)
	remount(t, mount, 0, "")
	r.finish()
	_, texts := readAll(t, c.Dir, "out")
	checkNumbered(t, texts, lines, size)
	r.balanced()
	if _, err := Open(Options{Config: c}); err != nil {
		t.Fatal(err)
	}
}

func TestAReadOnlyFolderIsRefused(t *testing.T) {
	c := testConfig(t)
	mount := smallDisk(t, "1m")
	c.Dir = filepath.Join(mount, "logs")
	must(t, os.Mkdir(c.Dir, 0o750))
	remount(t, mount, syscall.MS_RDONLY, "")
	_, err := Open(Options{Config: c, Names: []string{"out"}})
	if err == nil || !strings.Contains(err.Error(), "log folder "+c.Dir+" cannot be written") {
		t.Fatalf("got %v", err)
	}
}

func TestAFullDiskTakesOldArchivesFirst(t *testing.T) {
	c := testConfig(t)
	mount := smallDisk(t, "4m")
	c.Dir, c.MaxSize, c.Keep = filepath.Join(mount, "logs"), 512<<10, Keep{}
	r := start(t, c)
	const lines, size = 100_000, 100 // 10 MB through 4 MiB
	must(t, numbered(r.writer(), 1, lines, size))
	awaitEvent(t, &r.events, func(e event.ArchivesRemoved) bool { return e.Reason == "reclaim" })
	r.finish()
	s := r.balanced()
	if s.Written.Lines != lines || s.Dropped.Lines != 0 {
		t.Fatalf("written %v dropped %v", s.Written, s.Dropped)
	}
	files, texts := readAll(t, c.Dir, "out")
	if len(files) < keepNewest+1 {
		t.Fatalf("only %v is left", files)
	}
	if !strings.Contains(string(texts[len(texts)-1]), fmt.Sprintf("line %d ", lines)) {
		t.Fatal("the last line is not in the live file")
	}
}

// The emergency's own case: a child at full speed into 64 MiB.
func TestAFloodOnASmallDiskIsOutlived(t *testing.T) {
	const size = 150
	c := testConfig(t)
	c.Compress, c.SpillMemory = compressGzip, 8<<20
	mount := smallDisk(t, "64m")
	c.Dir = filepath.Join(mount, "logs")
	r := start(t, c)
	const lines = 200 << 20 / size
	must(t, numbered(r.writer(), 1, lines, size))
	awaitTrouble(t, r)
	s := r.balanced()
	if s.Memory > 8<<20 {
		t.Fatalf("the queue holds %d bytes, limit %d", s.Memory, 8<<20)
	}
	remount(t, mount, 0, "size=512m")
	awaitEvent[event.DiskRecovered](t, &r.events, nil)
	r.write("line of afterwards\n")
	r.finish()
	s = r.balanced()
	if s.In.Lines != lines+1 || s.Written.Lines+s.Dropped.Lines != lines+1 || s.Dropped.Lines == 0 {
		t.Fatalf("in %v written %v dropped %v", s.In, s.Written, s.Dropped)
	}
	if n := len(event.Of[event.DiskFull](&r.events)); n != 1 {
		t.Fatalf("%d DiskFull events", n)
	}
	storms := event.Of[event.LogStormed](&r.events)
	if len(storms) != 1 || len(storms[0].Top) == 0 || !strings.HasPrefix(storms[0].Top[0].Sample, "line ") {
		t.Fatalf("storms %+v", storms)
	}
	t.Logf("in %v written %v dropped %v archives %d; storm %+v", s.In, s.Written, s.Dropped, s.Archives, storms[0])
	_, texts := readAll(t, c.Dir, "out")
	last := texts[len(texts)-1]
	if !strings.HasSuffix(string(last), "line of afterwards\n") {
		t.Fatalf("the last line is %q", tailOf(last))
	}
}

func TestWhatADiskRefusesToTheEndIsCounted(t *testing.T) {
	const lines, size = 40_000, 100
	c := testConfig(t)
	mount := smallDisk(t, "1m")
	c.Dir = filepath.Join(mount, "logs")
	r := start(t, c)
	must(t, numbered(r.writer(), 1, lines, size))
	awaitTrouble(t, r)
	if err := r.drain(100 * time.Millisecond); err == nil {
		t.Fatal("Drain claims that all is written")
	}
	<-r.ended
	s := r.balanced()
	if s.In.Lines != lines || s.Queued.Lines != 0 || s.Queued.Bytes != 0 || s.Dropped.Lines == 0 {
		t.Fatalf("in %v queued %v dropped %v", s.In, s.Queued, s.Dropped)
	}
	text := readOne(t, filepath.Join(c.Dir, "out.log"))
	if whole := strings.Count(string(text), "\n"); uint64(whole) != s.Written.Lines {
		t.Fatalf("%d whole lines in the file, %d counted", whole, s.Written.Lines)
	}
	// The next keeper ends the torn line once there is room.
	remount(t, mount, 0, "size=4m")
	r2 := start(t, c)
	r2.write("next\n")
	r2.finish()
	text = readOne(t, filepath.Join(c.Dir, "out.log"))
	if !strings.HasSuffix(string(text), "\nnext\n") || strings.Contains(string(text), "\x00") {
		t.Fatalf("the file ends with %q", tailOf(text))
	}
}
