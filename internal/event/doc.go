// Package event is the vocabulary of what can happen in reeve, and the one
// ordered timeline on which it is told.
//
// An event is something a person may need to know; a few a second at most.
// Requests and log lines are not events: they are counted where they pass, and
// only exceptions (a request killed, a log that storms) come here.
//
// An [Event] is one small struct, named in the past tense, whose exported
// fields are its facts. What an event means is data and stands once, in
// [Declarations]: its severity, whether it pages, which incidents it ends, and
// the one sentence that tells an operator what to do. The README's table is
// printed from that list, so the two cannot disagree.
//
// Guarantees of [Hub]:
//
//  1. Emit never blocks and never fails, also after Close (then it discards).
//  2. All consumers see one order: that of Record.Seq.
//  3. A consumer that falls behind the ring loses the oldest records, and
//     learns from its [Cursor] exactly how many.
//  4. After Close a cursor still delivers what the ring holds, then io.EOF.
//
// Hazard: Emit takes a mutex for the length of a slice store. Do not call it
// for each request or each line.
package event
