package scoreboard

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

type clockBase struct {
	go0    time.Time
	kernel int64
}

// base ties Go's monotonic clock, which is read without entering the kernel
// but has a private zero, to CLOCK_MONOTONIC, whose zero all processes share.
var base = sync.OnceValue(func() clockBase {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return clockBase{go0: time.Now()} // readers then see wrong ages, nothing worse
	}
	return clockBase{go0: time.Now(), kernel: ts.Nano()}
})

// Now is CLOCK_MONOTONIC in nanoseconds.
func Now() int64 {
	b := base()
	return b.kernel + int64(time.Since(b.go0))
}
