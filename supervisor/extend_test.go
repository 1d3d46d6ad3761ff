package supervisor

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
)

func TestStopLimit(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		0:                0,
		time.Second:      10 * time.Second,
		59 * time.Second: 590 * time.Second,
		time.Minute:      10 * time.Minute,
		9 * time.Minute:  10 * time.Minute,
		time.Hour:        time.Hour,
		1<<63 - 1:        1<<63 - 1,
	} {
		if got := stopLimit(timeout); got != want {
			t.Errorf("of %s: %s, want %s", timeout, got, want)
		}
	}
}

// A life that is ended may ask for more time, and not for as much as it likes.
func TestACondemnedLifeCannotPutOffItsEnd(t *testing.T) {
	for _, ask := range []time.Duration{365 * 24 * time.Hour, 11 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, func(o *Options) { o.Config.StopTimeout = config.Duration(10 * time.Second) })
			b.shape = func(n uint64, f *fake) error {
				if n == 1 {
					f.diesOf = nil
				}
				return nil
			}
			b.start()
			b.condemnLater(1, "test")
			for range 10 { // once would do for the long one
				b.about(1, func() { b.heard(notice{extend: ask}) })
				b.pass(10*time.Second - time.Millisecond)
				b.is(Stopping)
			}
			b.pass(10*time.Millisecond - time.Nanosecond)
			b.is(Stopping)
			b.pass(time.Nanosecond)
			b.is(Waiting) // killed, swept
			b.finish()
		})
	}
}

func TestAStartIsExtendedByTenMinutesAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *Options) {
			o.ReadyBy, o.Config.ReadyTimeout = ReadyByNotify, config.Duration(time.Minute)
		})
		b.start()
		for range 3 {
			b.about(1, func() { b.heard(notice{extend: 24 * time.Hour}) })
			b.pass(10*time.Minute - time.Millisecond)
			b.is(Starting)
		}
		b.pass(time.Millisecond)
		b.is(Waiting)
		b.finish()
	})
}
