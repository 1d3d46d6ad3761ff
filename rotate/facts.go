package rotate

import "time"

// The methods here are what other goroutines may ask of a log.

// request is an ask for all that the source holds by now.
func (l *log) request(reason string, now time.Time) *ask {
	return &ask{reason: reason, since: now, upTo: l.pump.offered(), reply: make(chan turnResult, 1)}
}

// troubleNow is why writes fail, nil while they succeed, and when one was
// refused last.
func (l *log) troubleNow() (since time.Time, trouble error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.since, l.trouble
}

func (l *log) rotationCount() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.facts.rotations
}

func (l *log) setLevel(level Level) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.facts.level = level
}

// takeLost returns what was dropped since it was asked last.
func (l *log) takeLost() gap {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.facts.lost
	l.facts.lost = gap{}
	return g
}

// status is the log as it is now.
func (l *log) status(kept keptFacts, now time.Time) LogStatus {
	t, held := l.queue.snapshot()
	l.mu.Lock()
	defer l.mu.Unlock()
	s := LogStatus{
		Name: l.set.name, Path: l.set.file, Class: string(l.set.class),
		In: t.in, Written: t.written, Suppressed: t.suppressed, Dropped: t.dropped, Queued: t.queued, Added: t.added,
		Size: l.facts.size, Archives: kept.count, Kept: kept.bytes, Level: l.facts.level.String(),
		Rotations: l.facts.rotations, Last: l.facts.last, LastReason: l.facts.lastReason,
		Next: NextOf(l.set.schedules, now), Memory: held,
	}
	if l.trouble != nil {
		s.Trouble = l.trouble.Error()
	}
	return s
}
