// Package benchpeers measures reeve beside the programs that people would use
// otherwise, in one run on one machine, and prints Markdown tables:
//
//	go test -tags benchpeers -run Peers -v ./internal/benchpeers
//	go test -tags benchpeers -run Peers/pump -v ./internal/benchpeers
//
// The tables are: what it costs to keep a log, how long a service is away when
// its process is killed, what an idle supervisor takes, and what a request
// costs on its way through the proxy. Each speaks of the reeve program as it is
// built, driven from outside like its peers.
//
// Guarantees: no figure is asserted, so a slow machine fails nothing. What is
// asserted is that reeve loses no line and refuses no connection. A peer that
// is not installed has a row that says so (see testproc.Need). All processes
// and files are gone when a test ends.
//
// Hazards: absolute figures mean nothing away from the machine that printed
// them; only the ratios of one run do. The load generators share the
// processors with what they measure.
//
// Why a build tag, and not benchmarks: a run takes minutes and wants the
// machine for itself, and what it prints is a table across programs, which one
// benchmark's line cannot say.
package benchpeers
