// Package scoreboard is the shared-memory table of requests in flight.
//
// The proxy writes it, one slot a request; its supervisor reads it through a
// mapping of its own, also while the proxy is stopped (SIGSTOP) and after it
// died, which is how a post-mortem names the requests that a life took with it.
//
// # Layout, version 1
//
// All numbers are little-endian 64-bit words, aligned, read and written
// atomically. Times are CLOCK_MONOTONIC in nanoseconds, which all processes of
// a machine share.
//
//	page 0        magic, version, slots, slot size, high-water mark
//	page 1        64 pairs (started, completed), one a cache line
//	page 2 …      slots of 512 bytes
//
//	slot +0       sequence: odd while the writer is inside, else even
//	     +8       request id, 0 where the slot is free
//	     +16      start
//	     +24      deadline, 0 for none
//	     +32      bytes of the reply sent so far
//	     +40      id that the supervisor wants ended (its only word)
//	     +48      lengths of the four texts, one byte pair each
//	     +64      client (64 bytes), method (32), member (64), path (288)
//
// # Guarantees
//
//  1. One writer a slot: the goroutine that claimed it. The supervisor writes
//     nothing but the kill word.
//  2. A reader sees a slot whole or not at all: it retries on a sequence that
//     moved. A request whose writer stopped or died while it wrote the member is
//     seen without the member; one not wholly claimed is not seen.
//  3. A kill names a request, not a slot: it is obeyed only while the slot still
//     holds that id. The right request is ended or none.
//  4. Claim, SetMember, SetBytes and Release do not allocate, lock or enter the
//     kernel (but for the page fault of a slot's first use).
//  5. Nothing that the other process does to the file harms a reader: texts and
//     the high-water mark are bounded on reading, and on Linux the file's size is
//     sealed, so that no mapping can be cut off under a process that uses it.
package scoreboard
