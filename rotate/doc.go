// Package rotate keeps logs whole and disks free.
//
// A [Keeper] holds one pipe for each log, for its whole life: the children that
// write into it come and go, and nothing is lost between them. Behind each pipe
// a pump reads big chunks, aligned to lines, into a bounded queue; behind the
// queue a writer puts them into the file and turns it.
//
// What is guaranteed:
//
//  1. No line is split between two files and no archive is ever overwritten.
//  2. lines in = written + suppressed + dropped + queued, exactly, and the same
//     in bytes; queued is 0 once the log is drained.
//  3. The reading path never syncs, renames, compresses or deletes. A disk that
//     is full or hangs does not stall the child, unless full_disk is block.
//  4. What was lost is told: in the log itself by a gap line, as an event, and
//     in the counters.
//  5. A kill at any moment of a rotation loses nothing and leaves no half
//     archive: the next Open finishes or takes back what it finds.
//
// Hazards. A line longer than [LineCap] is cut, and marked. A chunk that is in
// the pump when reeve itself is killed by SIGKILL is lost; what the pipe holds
// then belongs to the kernel and goes with it. Bytes written to a file between
// its removal by somebody else and the moment that is noticed (a second) are
// gone with it.
//
// Why lumberjack only inside a wrapper: by itself it overwrites backups of the
// same millisecond, follows symlinks when it compresses, and opens new files
// without O_APPEND. Why its maximum size is out of reach: it would refuse a
// write that is larger and cut lines at will. Why a hard link comes before each
// turn: link(2) is the one call that refuses a name that exists.
package rotate
