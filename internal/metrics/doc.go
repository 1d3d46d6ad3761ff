// Package metrics counts what is told on the timeline and serves it, with the
// numbers of the other rooms, in the Prometheus text format.
//
// Guarantees:
//
//  1. Every declared kind of event has its series from the start, at 0, so that
//     rate() and alerts on a first occurrence work.
//  2. A reading function that panics costs its own series and one scrape error,
//     never the process: the registry calls collectors on goroutines of its own.
//  3. Names and help texts pass the linter of the Prometheus project.
//
// Hazard: label values come from configuration and from a closed vocabulary,
// never from clients. Do not register a label that a request can choose.
//
// Why a registry of its own and not the global one: two reeves in one test
// binary must not meet, and nothing registers behind our back.
package metrics
