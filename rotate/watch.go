package rotate

import (
	"context"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

const (
	// watchTick is how often growth, files and space are looked at.
	watchTick = time.Second
	// watchBytes is how much a log may grow before it is looked at at once.
	watchBytes = 8 << 20
	// recoverAfter is how long writes must succeed before a full disk is over:
	// reclaiming frees a little at a time, and that is not yet a recovery.
	recoverAfter = 3 * time.Second
	// lossEvery is the least time between two events about lines of one log
	// that were dropped.
	lossEvery = 10 * time.Second
	// trimTicks is after how many ticks unused buffers are given back.
	trimTicks = 10
)

// watch looks at all logs and their filesystem, judges by the ladders, and asks
// and tells accordingly. One goroutine owns it.
type watch struct {
	dir     string
	events  event.Sink
	pool    *pool
	janitor *janitor
	measure func(string) (Space, error)
	logs    []*watched
	disk    *DiskLadder
	reserve func(int64) int64

	space     Space
	measured  time.Time
	toldFull  bool // a DiskFull is told and not ended
	toldLow   bool // likewise a DiskLow
	lastWorry time.Time
	refused   time.Time // of the newest refusal that was stepped on
	rateAt    time.Time
	rateBytes uint64
	rate      float64
	ticks     int
}

// watched is one log under watch.
type watched struct {
	*log
	ladder    *Ladder
	sampler   *sampler
	rotations uint64
	toldLoss  time.Time
}

// run looks each second, and when a pump says that much came in.
func (w *watch) run(ctx context.Context, kick <-chan struct{}) error {
	tick := time.NewTicker(watchTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			for _, l := range w.logs {
				w.tellLoss(l, time.Time{})
			}
			return nil
		case <-tick.C:
			w.tick()
			w.look(time.Now())
		case <-kick:
			w.look(time.Now())
		}
	}
}

// tick is what is done each second whatever the growth.
func (w *watch) tick() {
	for _, l := range w.logs {
		l.lookSoon()
	}
	if w.ticks++; w.ticks%trimTicks == 0 {
		w.pool.trim()
	}
}

// look steps all ladders.
func (w *watch) look(now time.Time) {
	refused := w.lookForTrouble(now)
	w.measureSpace(now, refused)
	for _, l := range w.logs {
		w.lookAtLog(l, now)
		w.tellLoss(l, now)
	}
}

// lookForTrouble tells once that the disk refuses writes, and once that it
// takes them again. It reports a refusal that is new.
func (w *watch) lookForTrouble(now time.Time) (refused bool) {
	troubled := false
	for _, l := range w.logs {
		at, err := l.troubleNow()
		if at.After(w.lastWorry) {
			w.lastWorry = at
		}
		if at.After(w.refused) {
			w.refused, refused = at, true
		}
		if err == nil || isForeign(err) { // the log told the latter itself
			continue
		}
		troubled = true
		if !w.toldFull {
			w.toldFull = true
			w.events.Emit(event.DiskFull{Log: l.set.name, Path: w.dir, Error: err.Error(), Policy: l.set.fullDisk})
		}
	}
	if w.toldFull && !troubled && now.Sub(w.lastWorry) >= recoverAfter {
		w.recovered(now)
	}
	return refused
}

func (w *watch) recovered(now time.Time) {
	w.measureSpace(now, true)
	w.toldFull = false
	w.events.Emit(event.DiskRecovered{Path: w.dir, Available: w.space.Available})
	if w.toldLow && w.space.Available < w.reserve(w.space.Total) {
		// That event ended this one, too, and it is not over.
		w.tellLow(DiskLow{Level: SpaceHigh, Space: w.space, Reserve: w.reserve(w.space.Total)})
		return
	}
	w.toldLow = false
}

// measureSpace reads the gauge as often as the present growth asks for.
func (w *watch) measureSpace(now time.Time, refused bool) {
	w.measureRate(now)
	if !refused && now.Sub(w.measured) < PollInterval(w.disk.TimeToFull()) {
		return
	}
	space, err := w.measure(w.dir)
	if err != nil {
		space = Space{} // not known; writes tell soon enough
	}
	w.space, w.measured = space, now
	asked := false
	for _, s := range w.disk.Step(DiskSample{Now: now, Space: space, Rate: w.rate, Refused: refused}) {
		switch s := s.(type) {
		case Reclaim:
			asked = true
			w.janitor.reclaim(s.Bytes)
		case DiskLow:
			w.toldLow = true
			if s.Level < SpaceFull { // DiskFull is told where it happens, with the error
				w.tellLow(s)
			}
		case DiskOK:
			if w.toldLow && !w.toldFull {
				w.events.Emit(event.DiskRecovered{Path: w.dir, Available: s.Space.Available})
			}
			w.toldLow = false
		}
	}
	if refused && !asked {
		w.janitor.reclaim(1)
	}
}

func (w *watch) tellLow(s DiskLow) {
	w.events.Emit(event.DiskLow{
		Path: w.dir, Level: s.Level.String(), Available: s.Space.Available, Reserve: s.Reserve,
		UsedShare: s.Space.UsedShare, TimeToFull: s.TimeToFull,
	})
}

func (w *watch) measureRate(now time.Time) {
	if now.Sub(w.rateAt) < watchTick {
		return
	}
	var bytes uint64
	for _, l := range w.logs {
		t, _ := l.queue.snapshot()
		bytes += t.written.Bytes
	}
	if !w.rateAt.IsZero() {
		w.rate = float64(bytes-w.rateBytes) / now.Sub(w.rateAt).Seconds()
	}
	w.rateAt, w.rateBytes = now, bytes
}

func (w *watch) lookAtLog(l *watched, now time.Time) {
	t, _ := l.queue.snapshot()
	if n := l.rotationCount(); n != l.rotations {
		l.rotations = n
		l.ladder.Rotated()
	}
	steps := l.ladder.Step(Sample{
		Now: now, Bytes: t.in.Bytes, Lines: t.in.Lines, TopShare: l.sampler.topShare(), Space: w.space,
	})
	for _, s := range steps {
		w.do(l, s, t, now)
	}
	l.sampler.turn(now, l.ladder.Level() > LevelCalm)
	l.setLevel(l.ladder.Level())
}

func (w *watch) do(l *watched, s Step, t tally, now time.Time) {
	switch s := s.(type) {
	case Rotate:
		l.order(&ask{reason: s.Reason, since: now, reply: make(chan turnResult, 1)})
	case Surge:
		w.events.Emit(event.LogSurged{Log: l.set.name, Rate: s.Rate, Usual: s.Usual, Top: l.sampler.topTemplates()})
	case Storm:
		w.events.Emit(event.LogStormed{
			Log: l.set.name, Path: l.file.path, Rate: s.Rate, Growth: s.Growth, Window: s.Window, Rule: s.Rule,
			Available: w.space.Available, TimeToFull: s.TimeToFull, Top: l.sampler.topTemplates(),
			Lines: t.in.Lines, Dropped: t.dropped.Lines,
		})
	case Calm:
		w.events.Emit(event.LogCalmed{Log: l.set.name, For: s.For})
	case Reclaim:
		w.janitor.reclaim(s.Bytes)
	}
}

// tellLoss emits what was lost, not too often; at once for the zero time.
func (w *watch) tellLoss(l *watched, now time.Time) {
	if !now.IsZero() && now.Sub(l.toldLoss) < lossEvery {
		return
	}
	g := l.takeLost()
	if g.Lines == 0 {
		return
	}
	l.toldLoss = now
	w.events.Emit(event.LinesDropped{Log: l.set.name, Lines: g.Lines, Bytes: g.Bytes, From: g.from, To: g.to, Reason: g.reason})
}
