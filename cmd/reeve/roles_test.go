//go:build linux

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The programs that the test binary plays: small stand-ins for a proxy that
// misbehaves in one way each.

// floodRole writes one repeating error line to stderr: at FLOOD_RATE bytes a
// second, or as fast as it can where that is 0, for FLOOD_BYTES in all (0: for
// ever), and then serves on.
func floodRole() int {
	rate, _ := strconv.Atoi(os.Getenv("FLOOD_RATE"))
	total, _ := strconv.Atoi(os.Getenv("FLOOD_BYTES"))
	tick := 50 * time.Millisecond
	n, sent := 0, 0
	for total == 0 || sent < total {
		var chunk strings.Builder
		size := 64 << 10
		if rate > 0 {
			size = rate / int(time.Second/tick)
		}
		for chunk.Len() < size {
			n++
			fmt.Fprintf(&chunk, "[error] %d#0: *%d connect() to 10.0.0.%d:80 failed (111: Connection refused)\n", os.Getpid(), n, n%250)
		}
		if _, err := io.WriteString(os.Stderr, chunk.String()); err != nil {
			return 1
		}
		sent += chunk.Len()
		if rate > 0 {
			time.Sleep(tick) // the rate is what this role is for
		}
	}
	fmt.Fprintf(os.Stdout, "flood wrote %d lines\n", n)
	return waitForTerm()
}

func waitForTerm() int {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	<-c
	return 0
}

// ignoreTermRole says that it is there and cannot be told to go.
func ignoreTermRole() int {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT)
	fmt.Println("ignoring")
	for {
		time.Sleep(time.Hour) // select{} would end in "all goroutines are asleep"
	}
}

// forkAndLeaveRole leaves a child in a session of its own and ends, as a
// daemon does that was not told to stay in the foreground.
func forkAndLeaveRole() int {
	p, err := os.StartProcess("/proc/self/exe", os.Args, &os.ProcAttr{
		Env: append(os.Environ(), "REEVE_TEST_ROLE=e2e-daemon"),
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return 1
	}
	fmt.Printf("left %d\n", p.Pid)
	return 0
}

func sleeperRole() int { return waitForTerm() }

// printLimitsRole shows the limits that it was born with.
func printLimitsRole() int {
	text, err := os.ReadFile("/proc/self/limits")
	if err != nil {
		return 1
	}
	os.Stdout.Write(text)
	return waitForTerm()
}

// serverRole answers HTTP on SERVER_ADDR with its pid.
func serverRole() int {
	l, err := net.Listen("tcp", os.Getenv("SERVER_ADDR"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "pid %d\n", os.Getpid())
	}))
	return waitForTerm()
}

// dripRole is the seed's test case as a member of its own: a handler that
// writes one NUL byte a second for ever.
func dripRole() int {
	l, err := net.Listen("tcp", os.Getenv("SERVER_ADDR"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write([]byte{0}); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			time.Sleep(time.Second) // the rate of the drip is the test case
		}
	}))
	return waitForTerm()
}
