package testproc

import (
	"fmt"
	"os"
)

// Loopback is a loopback address of this process's own, so that a port that a
// test found free on it is not taken by the tests of another package, which
// run at the same time, before its server binds it. Linux answers on all of
// 127.0.0.0/8 without configuration; elsewhere it is 127.0.0.1.
func Loopback() string {
	if !wholeNet {
		return "127.0.0.1"
	}
	pid := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d", 64+pid>>14&63, pid>>7&127, 1+pid&127)
}
