package rlimit

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Apply sets the limits on this process, for ever. It stops at the first one
// that the kernel refuses, so that some may be in force after an error.
//
// With a limit of memory in the set, Apply leaves Go's runtime in a state that
// is only fit for the exec that must follow at once: no garbage collection, one
// processor. Exec is the safer way to both.
func Apply(s Set) error {
	early, late := s.halves()
	if err := setAll(early); err != nil {
		return err
	}
	if len(late) > 0 {
		settle()
	}
	return setAll(late)
}

// halves returns the set in the order in which it is applied, and apart from the
// rest the limits under which Go cannot grow.
func (s Set) halves() (early, late Set) {
	ordered := append(Set(nil), s...)
	ordered.sort()
	for _, e := range ordered {
		switch e.Resource {
		case AS, Data, Stack:
			late = append(late, e)
		default:
			early = append(early, e)
		}
	}
	return early, late
}

func setAll(s Set) error {
	for _, e := range s {
		if err := set(e); err != nil {
			return fmt.Errorf("set limit %s: %w", e, err)
		}
	}
	return nil
}

// roomToSpare is what the heap is grown by before it cannot be any more.
const roomToSpare = 4 << 20

// settle makes Go's runtime keep still: a thread or a piece of heap that it
// wanted under a limit of memory would be its end.
func settle() {
	room := make([]byte, roomToSpare)
	room[0] = 1
	runtime.KeepAlive(room)
	runtime.GC()
	debug.SetGCPercent(-1)
	// With one processor, which this goroutine holds, nothing is scheduled and
	// so no thread is started. What was on its way gets its turn first; the
	// turn after it is a whole time slice.
	runtime.GOMAXPROCS(1)
	for range 10 {
		runtime.Gosched()
	}
}
