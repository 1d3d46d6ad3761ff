package rotate

import (
	"sync"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

const (
	// calmSample is how much of each second's log is looked at for repeating
	// lines while nothing is wrong: enough to know the usual line, little
	// enough that the pump runs at the speed of copying.
	calmSample = 64 << 10
	// surgeSample is the same while the log surges.
	surgeSample = 4 << 20
	// sampleWindow is how long repeating lines are counted together.
	sampleWindow = 10 * time.Second
	// topLines is how many repeating lines an event names.
	topLines = 5
)

// sampler feeds a bounded part of a log to the template counter. The reading
// goroutine observes, the watching one asks.
type sampler struct {
	mu      sync.Mutex
	now     func() time.Time
	seen    *Templates
	second  int64
	budget  int
	surging bool
	lines   uint64    // that came in during the window, observed or not
	began   time.Time // of the window
	share   float64   // of the window before
	top     []event.LogLine
}

func newSampler(now func() time.Time) *sampler {
	return &sampler{now: now, seen: NewTemplates()}
}

func (s *sampler) observe(chunk []byte, lines int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.lines += uint64(lines)
	if sec := now.Unix(); sec != s.second {
		s.second, s.budget = sec, calmSample
		if s.surging {
			s.budget = surgeSample
		}
	}
	if s.budget <= 0 {
		return
	}
	s.seen.Sample(chunk, s.budget)
	s.budget -= len(chunk)
}

// turn begins a new window when the present one is old, and says whether the
// log surges, so that more of it is looked at.
func (s *sampler) turn(now time.Time, surging bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.surging = surging
	if now.Sub(s.began) < sampleWindow {
		return
	}
	s.share, s.top = s.seen.Share(), s.topLocked()
	s.seen.Reset()
	s.lines, s.began = 0, now
}

// settledLines is how many observed lines make a window worth more than the
// one before.
const settledLines = 100

func (s *sampler) topShare() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen.Lines() >= settledLines {
		return s.seen.Share()
	}
	return s.share
}

func (s *sampler) topTemplates() []event.LogLine {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen.Lines() >= settledLines || len(s.top) == 0 {
		return s.topLocked()
	}
	return s.top
}

// topLocked scales the counts of the sample to all lines of the window.
func (s *sampler) topLocked() []event.LogLine {
	top := s.seen.Top(topLines)
	if seen := s.seen.Lines(); seen > 0 && s.lines > seen {
		for i := range top {
			top[i].Lines = uint64(float64(top[i].Lines) * float64(s.lines) / float64(seen))
		}
	}
	return top
}
