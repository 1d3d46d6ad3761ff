package rotate

import "time"

// turns spaces the rotations for growth.
type turns struct {
	want bool            // an alarm began since the last one
	grew uint64          // bytes since the last rotation
	when []time.Duration // of those within turnsWithin, oldest first
}

const (
	turnsWithin = 10 * time.Minute // RotateBudget counts within this
	turnAgain   = 32 << 20         // bytes after which an alarm that lasts rotates once more
)

// turned forgets the bytes that are in an archive now.
func (t *turns) turned() { t.grew, t.want = 0, false }

// allow reports whether to rotate now, and then counts it.
func (t *turns) allow(cfg EmergencyConfig, now time.Duration) bool {
	for len(t.when) > 0 && now-t.when[0] >= turnsWithin {
		t.when = t.when[1:]
	}
	least := uint64(cfg.RotateMin.Bytes())
	if !t.want {
		least = max(least, turnAgain)
	}
	switch {
	case t.grew < least, len(t.when) >= cfg.RotateBudget:
		return false
	case len(t.when) > 0 && now-t.when[len(t.when)-1] < cfg.RotateEvery.Std():
		return false
	}
	t.when = append(t.when, now)
	t.turned()
	return true
}
