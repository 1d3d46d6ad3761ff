// Package journal writes the timeline as log lines: one line an event.
//
// It is the only place where reeve's own log is written. A room does not log,
// it emits an event; the event is the log line, the metric and the page.
//
// Guarantees:
//
//  1. One line for each event, in the timeline's order, written with one Write.
//  2. The hub never waits for the writer: a journal whose disk or pipe is slow
//     falls behind on its own cursor, and then says how many records it missed.
//  3. After the hub is closed everything that it still holds is written before
//     Run returns.
//  4. A line carries the declared facts of its event and nothing else, so what
//     is not in an event (a password in a URL, a header) cannot reach the log.
//
// Hazard: a writer that blocks for ever blocks Run for ever. Give it a file or
// a descriptor whose reader lives as long as reeve does.
package journal
