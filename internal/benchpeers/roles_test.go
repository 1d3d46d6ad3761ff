//go:build benchpeers && linux

package benchpeers

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

const (
	lineSize = 150
	// blockLines fill a block of about 1 MiB.
	blockLines = 1 << 20 / lineSize
	blocks     = 512
	allLines   = blocks * blockLines
	allBytes   = allLines * lineSize
)

// generate writes all lines to its standard output. It connects to the address
// of its first argument, waits there for a byte, writes, and says a byte when
// it is done. With a second argument it then stays, as a service would.
func generate() int {
	line := append(bytes.Repeat([]byte("x"), lineSize-1), '\n')
	block := bytes.Repeat(line, blockLines)
	conn, err := net.Dial("unix", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var b [1]byte
	if _, err := conn.Read(b[:]); err != nil {
		return 1
	}
	for range blocks {
		if _, err := os.Stdout.Write(block); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	if _, err := conn.Write(b[:]); err != nil {
		return 1
	}
	if len(os.Args) > 2 {
		conn.Read(b[:]) // until the test has gone
	}
	return 0
}

// serve binds the address of its argument by itself and answers its process
// number over HTTP. It goes when its parent has gone.
func serve() int {
	parent := os.Getppid()
	l, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go func() {
		for os.Getppid() == parent {
			time.Sleep(500 * time.Millisecond) // a poll: nothing tells of it otherwise everywhere
		}
		os.Exit(0)
	}()
	fmt.Fprintln(os.Stderr, http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%d", os.Getpid())
	})))
	return 1
}
