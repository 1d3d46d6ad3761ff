package rotate

import (
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The parts of file names. Live "stderr.log", archive
// "stderr-20261122T031949.123Z-size.log", a second one of the same millisecond
// "stderr-20261122T031949.123Z-size.1.log", compressed with ".gz" after it.
const (
	liveSuffix  = ".log"
	gzipSuffix  = ".gz"
	tmpSuffix   = ".tmp"
	lockName    = ".reeve-logs.lock"
	stampFormat = "20060102T150405.000Z"
	// jackFormat is how lumberjack stamps its own backups.
	jackFormat = "2006-01-02T15-04-05.000"
)

// stem is the part of a live file's name that its archives share.
func stem(file string) string { return strings.TrimSuffix(filepath.Base(file), liveSuffix) }

// validName accepts what is safe as a file name and as a metric label.
func validName(s string) bool {
	if s == "" || len(s) > 100 {
		return false
	}
	for i, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		case i > 0 && (r == '.' || r == '_' || r == '-'):
		default:
			return false
		}
	}
	return true
}

// stamp makes archive names that rise: a clock that stands still or steps back
// a little gets a sequence number instead of an old name.
type stamp struct {
	at  time.Time
	seq int
}

// backstep is how far the clock may step back before its word is taken.
const backstep = 5 * time.Minute

// next returns the stamp after s for the time now.
func (s stamp) next(now time.Time) stamp {
	now = now.UTC().Truncate(time.Millisecond)
	if now.After(s.at) || s.at.Sub(now) > backstep {
		return stamp{at: now}
	}
	return stamp{at: s.at, seq: s.seq + 1}
}

// archiveName is the name of an archive, without its folder.
func archiveName(stem string, s stamp, reason string) string {
	name := stem + "-" + s.at.Format(stampFormat) + "-" + reason
	if s.seq > 0 {
		name += "." + strconv.Itoa(s.seq)
	}
	return name + liveSuffix
}

// archive is one archive as its name and the folder tell of it.
type archive struct {
	name       string // without folder
	stem       string // of the log it is from
	at         time.Time
	seq        int
	reason     string
	compressed bool
	size       int64
}

// parseArchive reads an archive's name; ok is false for what is not an archive
// of the log, whatever else it may be.
func parseArchive(stem, name string) (a archive, ok bool) {
	rest, ok := strings.CutPrefix(name, stem+"-")
	if !ok || len(rest) < len(stampFormat)+1 {
		return archive{}, false
	}
	a.name, a.stem = name, stem
	rest, a.compressed = strings.CutSuffix(rest, gzipSuffix)
	rest, ok = strings.CutSuffix(rest, liveSuffix)
	if !ok || len(rest) < len(stampFormat)+2 || rest[len(stampFormat)] != '-' {
		return archive{}, false
	}
	at, err := time.Parse(stampFormat, rest[:len(stampFormat)])
	if err != nil || at.Format(stampFormat) != rest[:len(stampFormat)] {
		return archive{}, false // time.Parse takes a comma for the point, too
	}
	a.at = at
	reason, seq, dotted := strings.Cut(rest[len(stampFormat)+1:], ".")
	if dotted {
		n, err := strconv.Atoi(seq)
		if err != nil || n < 1 || strconv.Itoa(n) != seq {
			return archive{}, false
		}
		a.seq = n
	}
	a.reason = reason
	return a, validReason(reason)
}

// validReason accepts the words that stand in an archive's name.
func validReason(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' {
			return false
		}
	}
	return true
}

// before orders archives of one log by age.
func (a archive) before(b archive) bool {
	if !a.at.Equal(b.at) {
		return a.at.Before(b.at)
	}
	if a.seq != b.seq {
		return a.seq < b.seq
	}
	return a.name < b.name
}

// jackName is the name that lumberjack gives a backup made at the time.
func jackName(stem string, at time.Time) string {
	return stem + "-" + at.UTC().Format(jackFormat) + liveSuffix
}

// isJackName reports whether lumberjack made the name.
func isJackName(stem, name string) (time.Time, bool) {
	rest, ok := strings.CutPrefix(name, stem+"-")
	if !ok {
		return time.Time{}, false
	}
	rest, ok = strings.CutSuffix(rest, liveSuffix)
	if !ok || len(rest) != len(jackFormat) {
		return time.Time{}, false
	}
	at, err := time.Parse(jackFormat, rest)
	return at, err == nil && at.Format(jackFormat) == rest
}
