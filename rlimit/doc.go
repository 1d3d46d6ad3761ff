// Package rlimit puts the kernel's resource limits on a program before its
// first instruction, and proves afterwards that they are there.
//
// A limit is soft:hard; one number sets both. [Config] is the section of the
// file, [ParseFlag] the notation of the command line, [Set] what both become.
// The order of work is
//
//	Set.Check    what the kernel would refuse, before anything is started
//	Exec         in a process of its own: apply to self, then become the program
//	Verify       from outside, against /proc/PID/limits
//
// Why a process that execs, and not a call from the parent: limits set from
// outside (prlimit on a pid) race the program's own start, and limits set in
// the parent before a fork cap the parent too.
//
// Hazards that the code is shaped by:
//
//   - Go raises its own soft NOFILE at start and puts the old value back when
//     it execs, unless syscall.Setrlimit was used; so NOFILE goes through it.
//   - Once AS is below what the process already maps, Go's runtime can have
//     neither memory nor threads, and dies of wanting one: AS, DATA and STACK come
//     last, with the runtime held still, and nothing but the exec follows.
//   - A program may raise its soft limit to its hard one by itself, and Go, nginx
//     and HAProxy do; only the hard limit is a cap.
//   - A capability inside a user namespace does not raise a hard limit.
//
// On other systems than Linux the limits that exist there can be applied;
// reading those of another process and Check's foresight are Linux only.
package rlimit
