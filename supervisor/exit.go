package supervisor

import (
	"fmt"
	"syscall"
	"time"
)

// Exit is how a process ended.
type Exit struct {
	Code   int            // its exit code; 0 where Signal is set
	Signal syscall.Signal // the signal that ended it; 0 where it exited
	Core   bool           // it dumped core
	User   time.Duration  // CPU time, with its waited-for children
	System time.Duration  // likewise
	MaxRSS int64          // bytes, the most of it or any waited-for child
}

// String is "exit 3" or "signal KILL".
func (e Exit) String() string {
	switch {
	case e.Signal != 0 && e.Core:
		return "signal " + SignalName(e.Signal) + " (core dumped)"
	case e.Signal != 0:
		return "signal " + SignalName(e.Signal)
	default:
		return fmt.Sprintf("exit %d", e.Code)
	}
}

// Shell is the exit code as a shell gives it: 128 and the signal's number for
// a process that a signal ended.
func (e Exit) Shell() int {
	if e.Signal != 0 {
		return 128 + int(e.Signal)
	}
	return e.Code
}

// ExitGaveUp is reeve's exit code when the configured number of failures is
// reached.
const ExitGaveUp = 10

// Ended is what Run returns when the supervision ended without being asked to.
type Ended struct {
	Code int    // for reeve to exit with: the child's, 128 and a signal, or ExitGaveUp
	Last string // how the last life ended, or why the last launch failed
}

// Error says how it ended.
func (e *Ended) Error() string {
	if e.Code == ExitGaveUp {
		return "gave up restarting the child: " + e.Last
	}
	return "child ended: " + e.Last
}
