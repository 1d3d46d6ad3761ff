package rotate

import "time"

// Count is an amount of log, in whole lines and in bytes with their newlines.
type Count struct {
	Lines uint64 `json:"lines"`
	Bytes uint64 `json:"bytes"`
}

func (c *Count) add(lines, bytes int) {
	c.Lines += uint64(lines)
	c.Bytes += uint64(bytes)
}

// LogStatus is one log as it is now. In equals Written + Suppressed + Dropped +
// Queued at every moment, in lines and in bytes.
type LogStatus struct {
	Name       string    `json:"name"`
	Path       string    `json:"path"`
	Class      string    `json:"class"`
	In         Count     `json:"in"`      // read from the writer of the log
	Written    Count     `json:"written"` // in the live file or an archive
	Suppressed Count     `json:"suppressed"`
	Dropped    Count     `json:"dropped"` // lost while the file could not be written
	Queued     Count     `json:"queued"`  // read, not written yet
	Added      Count     `json:"added"`   // reeve's own: gap lines and the newlines that end cut lines
	Size       int64     `json:"size"`    // of the live file, bytes
	Archives   int       `json:"archives"`
	Kept       int64     `json:"kept"`  // bytes of all archives
	Level      string    `json:"level"` // of the emergency ladder
	Trouble    string    `json:"trouble,omitempty"`
	Rotations  uint64    `json:"rotations"`
	Last       time.Time `json:"last_rotation,omitzero"`
	LastReason string    `json:"last_reason,omitempty"`
	Next       time.Time `json:"next_scheduled,omitzero"`
	Memory     int64     `json:"queue_memory"` // bytes held by the queue's buffers
}
