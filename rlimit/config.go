package rlimit

import (
	"fmt"

	"github.com/reeveproxy/reeve/internal/config"
)

// Config is the file's section of limits. An absent limit is inherited.
type Config struct {
	CPU        *Seconds `yaml:"cpu" doc:"Processor time from start to end, as soft:hard (2m:6m or seconds): XCPU at soft, KILL at hard. A proxy that lives long reaches it for certain. Absent: inherited."`
	AS         *Bytes   `yaml:"as" doc:"Address space, as soft:hard (64MiB). Counts reserved memory too; a Go program needs 2GiB. Absent: inherited."`
	Data       *Bytes   `yaml:"data" doc:"Private writable memory, as soft:hard (256MiB). Absent: inherited."`
	Stack      *Bytes   `yaml:"stack" doc:"Stack of the main thread, as soft:hard (8MiB). Absent: inherited."`
	FSize      *Bytes   `yaml:"fsize" doc:"Largest file that it may write, as soft:hard (1GiB). Absent: inherited."`
	Core       *Bytes   `yaml:"core" doc:"Largest core file, as soft:hard; 0 = none. Absent: inherited."`
	NoFile     *Count   `yaml:"nofile" doc:"Open files and sockets, as soft:hard (4096:8192), hard at most fs.nr_open. Absent: inherited."`
	NProc      *Count   `yaml:"nproc" doc:"Processes and threads of the same user on the whole host, as soft:hard; not enforced for root. Absent: inherited."`
	MemLock    *Bytes   `yaml:"memlock" doc:"Memory locked in RAM, as soft:hard (64KiB). Absent: inherited."`
	RSS        *Bytes   `yaml:"rss" doc:"Resident set, as soft:hard; Linux keeps the number and does nothing with it. Absent: inherited."`
	MsgQueue   *Bytes   `yaml:"msgqueue" doc:"POSIX message queues of the same user, as soft:hard (800KiB). Absent: inherited."`
	Nice       *Count   `yaml:"nice" doc:"20 minus the lowest nice value that it may take, as soft:hard, 0 to 40. Absent: inherited."`
	RTPrio     *Count   `yaml:"rtprio" doc:"Highest real-time priority that it may take, as soft:hard, 0 to 99. Absent: inherited."`
	SigPending *Count   `yaml:"sigpending" doc:"Signals queued for the same user, as soft:hard. Absent: inherited."`
	Locks      *Count   `yaml:"locks" doc:"File locks, as soft:hard; Linux keeps the number and does nothing with it. Absent: inherited."`
	RTTime     *Micros  `yaml:"rttime" doc:"Real-time processor time without a blocking call, as soft:hard (200ms or microseconds). Absent: inherited."`
}

// Set returns the limits that are present, in the order in which they are
// applied, or all that is wrong with them.
func (c *Config) Set() (Set, error) {
	fields := map[Resource]*Limit{
		CPU: (*Limit)(c.CPU), AS: (*Limit)(c.AS), Data: (*Limit)(c.Data), Stack: (*Limit)(c.Stack),
		FSize: (*Limit)(c.FSize), Core: (*Limit)(c.Core), NoFile: (*Limit)(c.NoFile), NProc: (*Limit)(c.NProc),
		MemLock: (*Limit)(c.MemLock), RSS: (*Limit)(c.RSS), MsgQueue: (*Limit)(c.MsgQueue), Nice: (*Limit)(c.Nice),
		RTPrio: (*Limit)(c.RTPrio), SigPending: (*Limit)(c.SigPending), Locks: (*Limit)(c.Locks), RTTime: (*Limit)(c.RTTime),
	}
	var s Set
	for _, r := range Names() {
		if l := fields[r]; l != nil {
			s = append(s, Entry{Resource: r, Limit: *l})
		}
	}
	var problems config.Problems
	for _, e := range s {
		problems.Under(string(e.Resource), e.sane())
	}
	return s, problems.Err()
}

// Validate reports limits that make no sense anywhere: soft above hard, or too
// small for any program. What this kernel refuses is Set.Check's to say.
func (c *Config) Validate() error {
	_, err := c.Set()
	return err
}

// sane is nil for a limit that some program could run under.
func (e Entry) sane() error {
	a, ok := lookup(e.Resource)
	if !ok {
		return unknown(string(e.Resource))
	}
	l := e.Limit
	switch {
	case l.Soft > l.Hard:
		return fmt.Errorf("soft limit %s is above hard limit %s", side(a.unit, l.Soft), side(a.unit, l.Hard))
	case l.Soft < a.least:
		return fmt.Errorf("%s of %s: no program can start, want at least %s", a.noun, amount(a.unit, l.Soft), side(a.unit, a.least))
	case a.most > 0 && l.Hard > a.most && l.Hard != Unlimited:
		return fmt.Errorf("%s of %d means nothing, want at most %d or infinity", a.noun, l.Hard, a.most)
	}
	return nil
}

// amount is a number with its unit in words.
func amount(u unit, n uint64) string {
	switch {
	case u == bytes && n == 1:
		return "1 byte"
	case u == bytes && n < 1024:
		return fmt.Sprintf("%d bytes", n)
	default:
		return side(u, n)
	}
}
