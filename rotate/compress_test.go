package rotate

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

const oneArchive = "out-20260101T000000.000Z-asked.log"

func zipFolder(t *testing.T) (*compressor, archive, string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, oneArchive)
	must(t, os.WriteFile(path, []byte(strings.Repeat("a line\n", 10_000)), 0o640))
	a, _ := parseArchive("out", oneArchive)
	return &compressor{folder: &folder{path: dir}}, a, path
}

func TestAnArchiveIsReplacedByItsCompressedForm(t *testing.T) {
	c, a, path := zipFolder(t)
	before, after, err := c.compress(context.Background(), a)
	must(t, err)
	if before != 70_000 || after == 0 || after > 2000 {
		t.Fatalf("%d to %d bytes", before, after)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Fatalf("the source: %v", err)
	}
	if text := readOne(t, path+gzipSuffix); len(text) != 70_000 {
		t.Fatalf("%d bytes", len(text))
	}
	if info, _ := os.Stat(path + gzipSuffix); info.Mode().Perm() != logMode {
		t.Fatalf("mode %v", info.Mode())
	}
}

// Lumberjack's own compression, run as root, empties the victim, fills it and
// gives it to the owner of the archive.
func TestPlantedNamesDoNoHarm(t *testing.T) {
	const secret = "root's own\n"
	cases := []struct {
		name string
		make func(t *testing.T, path, victim string)
		done bool // the archive is compressed all the same
	}{
		{"symlink at the compressed name", func(t *testing.T, path, victim string) {
			must(t, os.Symlink(victim, path+gzipSuffix))
		}, false},
		{"symlink at the temporary name", func(t *testing.T, path, victim string) {
			must(t, os.Symlink(victim, path+gzipSuffix+tmpSuffix))
		}, true},
		{"archive is a symlink", func(t *testing.T, path, victim string) {
			must(t, os.Remove(path))
			must(t, os.Symlink(victim, path))
		}, false},
		{"archive is a hard link", func(t *testing.T, path, victim string) {
			must(t, os.Remove(path))
			must(t, os.Link(victim, path))
		}, false},
		{"a file at the compressed name", func(t *testing.T, path, victim string) {
			must(t, os.WriteFile(path+gzipSuffix, []byte("somebody's"), 0o600))
		}, false},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c, a, path := zipFolder(t)
			victim := filepath.Join(t.TempDir(), "victim")
			must(t, os.WriteFile(victim, []byte(secret), 0o600))
			tc.make(t, path, victim)
			_, _, err := c.compress(context.Background(), a)
			if (err == nil) != tc.done {
				t.Fatalf("got %v, want success %v", err, tc.done)
			}
			text, rerr := os.ReadFile(victim)
			info, serr := os.Lstat(victim)
			if rerr != nil || serr != nil || string(text) != secret || info.Mode().Perm() != 0o600 {
				t.Fatalf("the victim holds %q, %v, %v %v", text, info.Mode(), rerr, serr)
			}
			if _, err := os.Lstat(path + gzipSuffix + tmpSuffix); !os.IsNotExist(err) {
				t.Fatalf("the temporary file: %v", err)
			}
			if _, err := os.Lstat(path); !tc.done && err != nil {
				t.Fatalf("the archive is gone: %v", err)
			}
		})
	}
}

func TestACompressionThatACrashInterruptedIsFinished(t *testing.T) {
	c, a, path := zipFolder(t)
	text := readOne(t, path)
	_, _, err := c.compress(context.Background(), a)
	must(t, err)
	must(t, os.WriteFile(path, text, 0o640)) // as if it had not been removed
	_, _, err = c.compress(context.Background(), a)
	must(t, err)
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Fatalf("the source: %v", err)
	}
	if got := readOne(t, path+gzipSuffix); string(got) != string(text) {
		t.Fatal("the compressed archive is another")
	}
}

func TestACancelledCompressionLeavesTheSourceAlone(t *testing.T) {
	c, a, path := zipFolder(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := c.compress(ctx, a); err == nil {
		t.Fatal("no error")
	}
	entries, _ := os.ReadDir(filepath.Dir(path))
	if len(entries) != 1 || entries[0].Name() != oneArchive {
		t.Fatalf("%v", entries)
	}
}

func TestTheRulesApplyWhileTheKeeperRuns(t *testing.T) {
	c := testConfig(t)
	c.Compress, c.Keep = compressGzip, Keep{Count: 3}
	r := start(t, c)
	for range 6 {
		r.write("line\n")
		r.rotate("asked")
	}
	removed := 0
	for ctx := within(t, 20*time.Second); removed < 3; {
		removed = 0
		for _, e := range event.Of[event.ArchivesRemoved](&r.events) {
			if e.Reason != "count" {
				t.Fatalf("%+v", e)
			}
			removed += e.Count
		}
		must(t, ctx.Err())
		time.Sleep(5 * time.Millisecond)
	}
	r.finish()
	files, _ := readAll(t, c.Dir, "out")
	if len(files) != 4 || removed != 3 {
		t.Fatalf("%v, %d removed", files, removed)
	}
}
