package rotate

import (
	"testing"
	"time"
)

func TestArchiveNamesAreReadBack(t *testing.T) {
	at := time.Date(2026, 11, 22, 3, 19, 49, 123_456_789, time.FixedZone("X", 3600))
	var s stamp
	s = s.next(at)
	if got, want := archiveName("std-err", s, "size"), "std-err-20261122T021949.123Z-size.log"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	s = s.next(at)
	name := archiveName("std-err", s, "size")
	if want := "std-err-20261122T021949.123Z-size.1.log"; name != want {
		t.Fatalf("got %s, want %s", name, want)
	}
	a, ok := parseArchive("std-err", name+gzipSuffix)
	if !ok || a.seq != 1 || a.reason != "size" || !a.compressed || !a.at.Equal(at.Truncate(time.Millisecond)) {
		t.Fatalf("%+v %v", a, ok)
	}
}

func TestStampsRiseWhateverTheClockDoes(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var s stamp
	var last archive
	for i, at := range []time.Time{now, now, now.Add(-time.Minute), now.Add(time.Microsecond), now.Add(time.Second), now} {
		s = s.next(at)
		a, ok := parseArchive("x", archiveName("x", s, "asked"))
		if !ok || (i > 0 && !last.before(a)) {
			t.Fatalf("step %d: %+v is not after %+v", i, a, last)
		}
		last = a
	}
	if s = s.next(now.Add(-time.Hour)); !s.at.Equal(now.Add(-time.Hour)) {
		t.Fatalf("a clock that was set back for good is not believed: %v", s.at)
	}
}

func TestForeignNamesAreNotArchives(t *testing.T) {
	for _, name := range []string{
		"out.log", "out-.log", "out-20261122T021949.123Z.log", "out-20261122T021949.123Z-.log",
		"out-20261122T021949.123Z-size", "out-20261122T021949.123Z-size.0.log", "out-20261122T021949.123Z-size.01.log",
		"out-20261122T021949.123Z-size.+1.log", "out-20261122T021949.123Z-Size.log", "out-20261322T021949.123Z-size.log",
		"out-20261122T021949.123Z-size.log.zst", "out-20261122T021949.123Z-a/b.log", "out-error-20261122T021949.123Z-size.log",
		"out-2026-11-22T02-19-49.123.log", "",
	} {
		if a, ok := parseArchive("out", name); ok {
			t.Errorf("%q was taken for %+v", name, a)
		}
	}
}

func FuzzParseArchive(f *testing.F) {
	f.Add("out-20261122T021949.123Z-size.1.log.gz")
	f.Add("out-20261122T021949.123Z-size.log")
	f.Add("out-2026-11-22T02-19-49.123.log")
	f.Fuzz(func(t *testing.T, name string) {
		a, ok := parseArchive("out", name)
		if !ok {
			return
		}
		again := archiveName("out", stamp{at: a.at, seq: a.seq}, a.reason)
		if a.compressed {
			again += gzipSuffix
		}
		if again != name {
			t.Fatalf("%q was read as %+v, which is %q", name, a, again)
		}
	})
}
