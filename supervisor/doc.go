// Package supervisor owns one child for ever: it starts it, keeps it, ends it
// with all that it started, and starts it again.
//
// # Guarantees
//
//  1. One loop owns the state, and one pure function is its whole policy. Every
//     state has a child, a bounded helper or a timer, so it is never stuck.
//  2. A life is over when nothing of its tree is left; survivors are named.
//  3. The exit status of a child, or of any command started through [Reaper],
//     is never stolen by the reaping of orphans.
//  4. A supervisor that is killed takes the child with it (Linux).
//  5. A verdict about one life cannot hit another.
//  6. EXTEND_TIMEOUT_USEC gains up to 10 min at a time for a start, and for a
//     whole stop up to 10 × its timeout, of which 10 min are the most.
//  7. Listeners outlive the child: a connection waits for the next life.
//
// # States
//
//	launching  launched → starting · launchFailed → backoff
//	starting   ready → running · exited → sweeping · condemned,restartAsked,stopAsked,deadline → stopping
//	running    exited → sweeping · condemned,restartAsked,stopAsked → stopping
//	stopping   exited → sweeping · hurried,deadline → killing
//	killing    exited → sweeping
//	sweeping   swept → backoff
//	backoff    restartAsked,deadline → launching · stopAsked,gaveUp → stopped · exhausted → resting
//	resting    restartAsked,deadline → launching · stopAsked,gaveUp → stopped
//	stopped
//
// # Hazards
//
// While a life is swept, every child of this process that was neither started
// through the Reaper nor there before it is ended: start all commands through
// it. Of one process there must be one Supervisor. When reeve is killed by
// KILL, the kernel ends the main process of the child; what that one started
// itself has to notice.
//
// Why not os/exec for the child: it waits for pipes that grandchildren hold,
// forks on any thread (the end of which the kernel takes for the parent's
// death) and makes passed sockets blocking for everybody.
package supervisor
