// Package watchdog decides that a life of the child is not worth living.
//
// It offers two guards for a life: [Watchdog.Watch] asks probes (http, tcp,
// exec), and [Watchdog.Gauge] reads the figures of the child's processes and of
// the host and judges conditions on them. A third, which hunts requests that
// take too long, is the package runaway. A guard's error condemns the life; who
// ends it is not known here.
//
// # Guarantees
//
//  1. A life that stops answering is condemned within fall × period + timeout,
//     also where it accepts connections and never answers. Tries start at a
//     fixed rate, however long an answer takes.
//  2. Startup probes hold the others back; their success ends them.
//  3. A hang is told from overload before anything is condemned: a liveness
//     probe that fails while the life completes requests (more of them than our
//     own checks) takes it out of service and pages, and no more.
//  4. What is counted begins and ends with the call: a verdict cannot reach the
//     next life.
//  5. A probe leaves nothing behind: a connection of its own each time, a
//     process group that is killed whole, at most 64 KiB read.
//  6. A panic in a probe is told, and condemns nothing.
//
// # Hazards
//
// A tcp probe is answered by the kernel: it sees a closed port, never a hang,
// and not even that where reeve itself holds the listener.
//
// An http probe wants the whole answer (its first 64 KiB) within the timeout,
// so a URL that streams for ever fails.
//
// An exec probe runs as reeve's own user, and its cost is that of a process at
// each period.
//
// What the memory of processes sums to counts shared pages in each of them.
package watchdog
