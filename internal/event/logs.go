package event

import "time"

// LogRotated: a log turned; the archive is complete and its name is final.
type LogRotated struct {
	Log     string `json:"log"`
	Archive string `json:"archive"`
	Reason  string `json:"reason"` // schedule, size, asked, growth, reclaim
	Bytes   int64  `json:"bytes"`
}

// Subject is the log's name.
func (e LogRotated) Subject() string { return e.Log }

// LogRotateFailed: a log could not be turned; it is still written to.
type LogRotateFailed struct {
	Log    string `json:"log"`
	Reason string `json:"reason"`
	Error  string `json:"error"`
}

// Subject is the log's name.
func (e LogRotateFailed) Subject() string { return e.Log }

// LogReopened: the live file had been renamed, removed or replaced by somebody
// else, and was opened anew.
type LogReopened struct {
	Log  string `json:"log"`
	Path string `json:"path"`
	What string `json:"what"` // removed, replaced
}

// Subject is the log's name.
func (e LogReopened) Subject() string { return e.Log }

// ArchiveCompressed: an archive was compressed and the original removed.
type ArchiveCompressed struct {
	Log     string `json:"log"`
	Archive string `json:"archive"`
	Before  int64  `json:"before"` // bytes
	After   int64  `json:"after"`  // bytes
}

// Subject is the log's name.
func (e ArchiveCompressed) Subject() string { return e.Log }

// ArchiveFailed: compressing or removing an archive failed; it is kept as it is.
type ArchiveFailed struct {
	Log     string `json:"log"`
	Archive string `json:"archive"`
	Error   string `json:"error"`
}

// Subject is the log's name.
func (e ArchiveFailed) Subject() string { return e.Log }

// ArchivesRemoved: old archives were removed by the retention rules, or to
// reclaim space.
type ArchivesRemoved struct {
	Log    string `json:"log"`
	Count  int    `json:"count"`
	Bytes  int64  `json:"bytes"`
	Reason string `json:"reason"` // count, age, total, reclaim
}

// Subject is the log's name.
func (e ArchivesRemoved) Subject() string { return e.Log }

// LogLine is a template of repeating lines with its count; digits, hex, UUIDs,
// addresses and quoted parts are collapsed in it.
type LogLine struct {
	Template string  `json:"template"`
	Sample   string  `json:"sample"` // the first such line, cut
	Lines    uint64  `json:"lines"`
	Share    float64 `json:"share"` // of all lines in the window, 0 to 1
}

// LogSurged: a log grows much faster than it does normally (level WATCH).
type LogSurged struct {
	Log   string    `json:"log"`
	Rate  float64   `json:"rate"` // bytes per second
	Usual float64   `json:"usual"`
	Top   []LogLine `json:"top,omitempty"`
}

// Subject is the log's name.
func (e LogSurged) Subject() string { return e.Log }

// LogStormed: a log grows like an emergency (level STORM).
type LogStormed struct {
	Log        string        `json:"log"`
	Path       string        `json:"path"`
	Rate       float64       `json:"rate"`   // bytes per second
	Growth     int64         `json:"growth"` // bytes in Window
	Window     time.Duration `json:"window"`
	Rule       string        `json:"rule"` // which rule fired
	Available  int64         `json:"available"`
	TimeToFull time.Duration `json:"time_to_full,omitempty"`
	Top        []LogLine     `json:"top,omitempty"`
	Lines      uint64        `json:"lines"`
	Dropped    uint64        `json:"dropped"`
}

// Subject is the log's name.
func (e LogStormed) Subject() string { return e.Log }

// LogCalmed: a surge or storm is over.
type LogCalmed struct {
	Log string        `json:"log"`
	For time.Duration `json:"for"` // how long it lasted
}

// Subject is the log's name.
func (e LogCalmed) Subject() string { return e.Log }

// DiskLow: the space left on a filesystem that holds logs fell below the reserve.
type DiskLow struct {
	Path       string        `json:"path"`
	Level      string        `json:"level"`     // warn, high, crit
	Available  int64         `json:"available"` // bytes
	Reserve    int64         `json:"reserve"`   // bytes
	UsedShare  float64       `json:"used_share"`
	TimeToFull time.Duration `json:"time_to_full,omitempty"`
}

// Subject is the filesystem's folder.
func (e DiskLow) Subject() string { return e.Path }

// DiskFull: a write of a log failed for want of space (or quota, or because
// the filesystem turned read-only). The child is not stalled: see the policy.
type DiskFull struct {
	Log    string `json:"log"`
	Path   string `json:"path"`
	Error  string `json:"error"`
	Policy string `json:"policy"` // spill, drop or block
}

// Subject is the filesystem's folder.
func (e DiskFull) Subject() string { return e.Path }

// DiskRecovered: there is space again, and writes succeed.
type DiskRecovered struct {
	Path      string `json:"path"`
	Available int64  `json:"available"`
}

// Subject is the filesystem's folder.
func (e DiskRecovered) Subject() string { return e.Path }

// LinesDropped: lines of a log were lost while it could not be written. The
// log itself carries a gap line with the same numbers.
type LinesDropped struct {
	Log    string    `json:"log"`
	Lines  uint64    `json:"lines"`
	Bytes  uint64    `json:"bytes"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Reason string    `json:"reason"`
}

// Subject is the log's name.
func (e LinesDropped) Subject() string { return e.Log }

func (LogRotated) Kind() string        { return "log_rotated" }
func (LogRotateFailed) Kind() string   { return "log_rotate_failed" }
func (LogReopened) Kind() string       { return "log_reopened" }
func (ArchiveCompressed) Kind() string { return "archive_compressed" }
func (ArchiveFailed) Kind() string     { return "archive_failed" }
func (ArchivesRemoved) Kind() string   { return "archives_removed" }
func (LogSurged) Kind() string         { return "log_surged" }
func (LogStormed) Kind() string        { return "log_stormed" }
func (LogCalmed) Kind() string         { return "log_calmed" }
func (DiskLow) Kind() string           { return "disk_low" }
func (DiskFull) Kind() string          { return "disk_full" }
func (DiskRecovered) Kind() string     { return "disk_recovered" }
func (LinesDropped) Kind() string      { return "lines_dropped" }

// LogRotateRecovered: a log whose rotation had failed was turned.
type LogRotateRecovered struct {
	Log string `json:"log"`
}

// Subject is the log's name.
func (e LogRotateRecovered) Subject() string { return e.Log }

func (LogRotateRecovered) Kind() string { return "log_rotate_recovered" }
