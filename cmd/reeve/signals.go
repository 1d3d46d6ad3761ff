package main

import (
	"os"
	"os/signal"
	"syscall"
)

// order is what a signal asks reeve to do.
type order int

const (
	orderNone order = iota
	orderStop
	orderReload
	orderRotate
	orderRestart
)

// orderOf is the whole meaning of signals to reeve. CHLD is the reaper's; URG
// is the Go runtime's own, and forwarding it or dying of it has broken other
// supervisors; PIPE must be caught, not ignored, because an ignored signal is
// inherited by the child while a reeve that dies of a closed stderr takes the
// proxy down.
func orderOf(s os.Signal) order {
	switch s {
	case syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT:
		return orderStop
	case syscall.SIGHUP:
		return orderReload
	case syscall.SIGUSR1:
		return orderRotate
	case syscall.SIGUSR2:
		return orderRestart
	default:
		return orderNone
	}
}

// listenForSignals starts catching. The channel holds 16, so that a burst that
// comes before the loop turns is not lost; the same signal repeated more often
// than that has nothing to add.
//
// Nothing is given back at the end: the last word is written to standard error
// with PIPE still caught.
func listenForSignals() <-chan os.Signal {
	c := make(chan os.Signal, 16)
	signal.Notify(c, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP,
		syscall.SIGUSR1, syscall.SIGUSR2)
	drop := make(chan os.Signal, 1) // never read: PIPE is only to be caught
	signal.Notify(drop, syscall.SIGPIPE)
	return c
}
