//go:build !linux

package main

import "golang.org/x/sys/unix"

// termiosRequest asks a terminal for its settings, which nothing else has.
const termiosRequest = unix.TIOCGETA
