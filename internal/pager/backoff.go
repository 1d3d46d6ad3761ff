package pager

import (
	"math"
	"time"
)

// delay is the wait after the given number of failures in a row, from 1. A
// fifth of it is scaled by random, which is in [0, 1).
func delay(c RetryConfig, failures int, random float64) time.Duration {
	d := float64(c.Initial) * math.Pow(2, float64(min(failures, 60)-1))
	d = min(d, float64(c.Max))
	return time.Duration(d*0.8 + d*0.2*random)
}

// budget remembers the times of the deliveries in the last hour.
type budget struct {
	perMinute, perHour int // 0 has no limit
	sent               []time.Time
}

func (b *budget) spend(now time.Time) {
	if b.perHour == 0 && b.perMinute == 0 {
		return
	}
	b.sent = append(b.sent, now)
	if keep := max(b.perMinute, b.perHour); len(b.sent) > keep {
		b.sent = b.sent[len(b.sent)-keep:]
	}
}

// wait is the time until the next delivery is allowed, 0 for now.
func (b *budget) wait(now time.Time) time.Duration {
	return max(b.left(now, time.Minute, b.perMinute), b.left(now, time.Hour, b.perHour))
}

func (b *budget) left(now time.Time, window time.Duration, limit int) time.Duration {
	if limit == 0 || len(b.sent) < limit {
		return 0
	}
	return max(0, b.sent[len(b.sent)-limit].Add(window).Sub(now))
}
