// Command reeve is the init process and watchdog of a load-balancing proxy.
//
// This package is the front door and the only place that introduces the rooms
// to each other:
//
//	main.go      verbs and exit codes
//	config.go    the file: one field per room's own Config
//	wire.go      builds the rooms and hands each what it needs of the others
//	run.go       the verb run: signals, live line, ordered shutdown
//	…            one file per verb; each is a thin client of the control socket
//
// Exit codes: 0 after an asked-for stop; the child's own (128+signal where it
// was signalled) when it ended and supervisor.restart is never; 10 gave up
// restarting; 2 bad usage or configuration; 1 anything else.
package main
