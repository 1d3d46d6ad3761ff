package rotate

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

func chunkOf(p *pool, text string) *chunk {
	c := p.get()
	c.buf = append(c.buf, text...)
	c.lines = countLines(c.buf)
	return c
}

func (s *spill) put(p *pool, text string) {
	c := chunkOf(p, text)
	s.arrive(len(c.buf))
	s.push(c, nil)
}

func TestSmallChunksShareABuffer(t *testing.T) {
	p := &pool{}
	s := newSpill(p, 2*chunkSize, fullSpill)
	for range 1000 {
		s.put(p, "twenty bytes a line\n")
	}
	if n, _ := s.state(); n != 1 {
		t.Fatalf("1000 small chunks take %d buffers", n)
	}
	c, _ := s.take()
	if c.lines != 1000 || len(c.buf) != 20_000 {
		t.Fatalf("%d lines, %d bytes", c.lines, len(c.buf))
	}
}

func TestAChunkAfterALineThatReeveEndedStaysApart(t *testing.T) {
	p := &pool{}
	s := newSpill(p, 2*chunkSize, fullSpill)
	s.put(p, "a\nlast of a life")
	s.queue[0].ends = endsLife
	s.put(p, "b\n")
	if n, _ := s.state(); n != 2 {
		t.Fatalf("%d chunks, want 2", n)
	}
}

func TestTheOldestGoAndAreCounted(t *testing.T) {
	p := &pool{}
	s := newSpill(p, 2*chunkSize, fullSpill)
	s.setTrouble("enospc")
	big := func(i byte) string {
		return string(bytes.Repeat(append(bytes.Repeat([]byte{i}, 199), '\n'), 1000))
	}
	for i := range 5 {
		s.put(p, big('a'+byte(i)))
	}
	c, g := s.take()
	if c.buf[0] != 'd' || g.Lines != 3000 || g.Bytes != 600_000 || g.reason != "enospc" {
		t.Fatalf("first is %q, gap %+v", c.buf[0], g)
	}
	s.finish(c, 250) // one line and a quarter of the next
	got, _ := s.snapshot()
	if got.written != (Count{1, 250}) || got.dropped != (Count{3999, 799_750}) || got.queued != (Count{1000, 200_000}) || got.in != (Count{5000, 1_000_000}) {
		t.Fatalf("%+v", got)
	}
	if _, held := s.snapshot(); held > 2*chunkSize {
		t.Fatalf("holds %d", held)
	}
}

// A disk that hangs says nothing; the reader goes on after its patience, and
// does not wait again until the writer has moved.
func TestPatienceRunsOutOnceForADiskThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pool{}
		s := newSpill(p, 2*chunkSize, fullSpill)
		text := string(bytes.Repeat([]byte("0123456789\n"), 20_000))
		s.put(p, text)
		s.put(p, text)
		began := time.Now()
		s.put(p, text)
		if d := time.Since(began); d != patience {
			t.Fatalf("waited %v, want %v", d, patience)
		}
		began = time.Now()
		s.put(p, text)
		if d := time.Since(began); d != 0 {
			t.Fatalf("waited %v again", d)
		}
		c, _ := s.take()
		s.finish(c, len(c.buf)) // it moves
		s.put(p, text)          // fills the room
		began = time.Now()
		s.put(p, text)
		if d := time.Since(began); d != patience {
			t.Fatalf("waited %v after the writer had moved, want %v", d, patience)
		}
	})
}

func TestABlockedReaderIsLetGoByStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pool{}
		s := newSpill(p, chunkSize, fullBlock)
		stop := make(chan struct{})
		s.put(p, string(bytes.Repeat([]byte("0123456789\n"), 20_000)))
		done := make(chan struct{})
		go func() {
			s.push(chunkOf(p, string(bytes.Repeat([]byte("0123456789\n"), 20_000))), stop)
			close(done)
		}()
		time.Sleep(time.Hour)
		select {
		case <-done:
			t.Fatal("did not block")
		default:
		}
		close(stop)
		<-done
	})
}

// faultyJack fails as the test's dice say, after writing a part.
type faultyJack struct {
	jack
	dice *rand.Rand
	hits int
}

func (f *faultyJack) Write(p []byte) (int, error) {
	if len(p) == 0 || f.dice.IntN(3) > 0 {
		return f.jack.Write(p)
	}
	f.hits++
	n := 0
	if f.dice.IntN(4) > 0 {
		n, _ = f.jack.Write(p[:f.dice.IntN(len(p))])
	}
	return n, []error{syscall.EIO, syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, errors.New("odd")}[f.dice.IntN(5)]
}

func (f *faultyJack) Rotate() error {
	if f.dice.IntN(4) == 0 {
		f.hits++
		return syscall.EIO
	}
	return f.jack.Rotate()
}

func TestShortWritesAndFailedTurnsLoseAndTearNothing(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			const lines, size = 20_000, 97
			c := testConfig(t)
			c.MaxSize, c.Keep = 64<<10, Keep{}
			var bad *faultyJack
			r := start(t, c, func(k *Keeper) {
				l := k.byName["out"]
				bad = &faultyJack{jack: l.file.jack, dice: rand.New(rand.NewPCG(seed, 1))}
				l.file.jack = bad
				l.wait = func(time.Duration) bool { return true }
				l.now = func() time.Time { return time.Now().Add(time.Hour * time.Duration(bad.hits)) }
			})
			must(t, numbered(r.writer(), 1, lines, size))
			r.finish()
			if bad.hits == 0 {
				t.Fatal("no fault was injected")
			}
			s := r.balanced()
			if s.Written != (Count{lines, lines * size}) || s.Dropped.Lines != 0 {
				t.Fatalf("written %v dropped %v", s.Written, s.Dropped)
			}
			_, texts := readAll(t, c.Dir, "out")
			if have, _ := checkNumbered(t, texts, lines, size); have != lines {
				t.Fatalf("%d lines", have)
			}
			failed, mended := len(event.Of[event.LogRotateFailed](&r.events)), len(event.Of[event.LogRotateRecovered](&r.events))
			if failed-mended > 1 || failed < mended {
				t.Fatalf("%d failures told, %d recoveries", failed, mended)
			}
		})
	}
}
