package rotate

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
)

// rig feeds a Ladder one sample a second and writes down what it says.
type rig struct {
	l     *Ladder
	now   time.Time
	begin time.Time
	bytes uint64
	lines uint64
	top   float64
	space Space
	said  []string // "32s storm growth_60s"
	steps []Step
	at    []time.Duration // of each of steps
}

func newRig(class Class, change func(*EmergencyConfig)) *rig {
	cfg := config.Default[EmergencyConfig]()
	if change != nil {
		change(&cfg)
	}
	now := time.Date(2026, 4, 15, 12, 0, 0, 0, time.UTC)
	r := &rig{l: NewLadder(cfg, class), now: now, begin: now}
	r.sample()
	return r
}

func (r *rig) sample() {
	for _, s := range r.l.Step(Sample{Now: r.now, Bytes: r.bytes, Lines: r.lines, TopShare: r.top, Space: r.space}) {
		at := r.now.Sub(r.begin)
		r.steps, r.at = append(r.steps, s), append(r.at, at)
		if text := sayStep(s); text != "" {
			r.said = append(r.said, fmt.Sprintf("%v %s", at, text))
		}
	}
}

// sayStep is a step without its numbers; rotations are counted elsewhere.
func sayStep(s Step) string {
	switch s := s.(type) {
	case Surge:
		return "surge " + s.Rule
	case Storm:
		if s.Again {
			return "again " + s.Rule
		}
		return "storm " + s.Rule
	case Calm:
		return "calm"
	}
	return ""
}

// run lets so many seconds pass with so many bytes in each, in lines of 100.
func (r *rig) run(seconds int, perSecond uint64) {
	for range seconds {
		r.now = r.now.Add(time.Second)
		r.bytes += perSecond
		r.lines += perSecond / 100
		r.sample()
	}
}

func (r *rig) expect(t *testing.T, want ...string) {
	t.Helper()
	if strings.Join(r.said, ", ") != strings.Join(want, ", ") {
		t.Errorf("said %q\nwant %q", r.said, want)
	}
}

const mb = 1_000_000

func TestLadderScripts(t *testing.T) {
	type stretch struct {
		seconds   int
		perSecond uint64
	}
	for _, c := range []struct {
		name   string
		class  Class
		script []stretch
		want   []string
	}{
		{"one megabyte a second from the start", ClassError, []stretch{{60, 1 * mb}}, []string{"10s surge rate", "34s storm growth_60s"}},
		{"one megabyte a second after an hour of silence", ClassError, []stretch{{3600, 0}, {60, 1 * mb}}, []string{"1h0m3s surge rate", "1h0m34s storm growth_60s"}},
		{"300 MB in four minutes", ClassError, []stretch{{120, 0}, {240, 300 * mb / 240}, {900, 0}}, []string{"2m3s surge rate", "2m27s storm growth_60s", "11m53s calm"}},
		{"64 MiB in three seconds", ClassError, []stretch{{60, 0}, {3, 64 << 20 / 3}, {600, 0}}, []string{"1m1s surge rate", "1m2s storm growth_60s", "7m2s calm"}},
		{"64 MiB in one second", ClassError, []stretch{{60, 0}, {1, 64 << 20}}, []string{"1m1s storm growth_10s"}},
		{"100 MiB in five minutes", ClassError, []stretch{{60, 0}, {310, 400_000}}, []string{"1m7s surge rate", "5m23s storm growth_5m"}},
		{"a burst that ends", ClassError, []stretch{{60, 0}, {10, 300_000}, {600, 0}}, []string{"1m9s surge rate", "6m11s calm"}},
		{"slow growth for a day", ClassError, []stretch{{86400, 20_000}}, nil},
		{"a slow log doubles", ClassError, []stretch{{7200, 20_000}, {7200, 40_000}}, nil},
		{"silence", ClassError, []stretch{{86400, 0}}, nil},
		{"a start-up burst", ClassError, []stretch{{3, 1 * mb}, {600, 100}}, []string{}},
		{"a steady heavy access log", ClassAccess, []stretch{{7200, 20 * mb}}, nil},
		{"an access log that doubles", ClassAccess, []stretch{{3600, 10 * mb}, {3600, 20 * mb}}, nil},
		{"an access log at ten times its usual", ClassAccess, []stretch{{3600, 2 * mb}, {300, 20 * mb}, {900, 2 * mb}}, []string{"1h0m8s surge rate", "1h10m40s calm"}},
		{"a storm that lasts is told again", ClassError, []stretch{{3700, 1 * mb}}, []string{"10s surge rate", "34s storm growth_60s", "30m34s again growth_60s", "1h0m34s again growth_60s"}},
		{"a surge that lasts becomes usual", ClassError, []stretch{{600, 0}, {5400, 300_000}}, []string{"10m9s surge rate", "1h15m8s calm"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(c.class, func(cfg *EmergencyConfig) {
				if c.name == "a surge that lasts becomes usual" {
					cfg.Growth5m, cfg.Growth60s = 0, 0
				}
			})
			for _, s := range c.script {
				r.run(s.seconds, s.perSecond)
			}
			r.expect(t, c.want...)
		})
	}
}

func TestLadderTellsTheNumbers(t *testing.T) {
	r := newRig(ClassError, nil)
	r.run(600, 1000)
	r.run(40, 1*mb)
	for _, s := range r.steps {
		if storm, ok := s.(Storm); ok {
			if storm.Window != time.Minute || storm.Growth < 32<<20 || storm.Growth > 36<<20 || storm.Usual != 1000 || storm.Rate != float64(storm.Growth)/60 {
				t.Errorf("storm %+v", storm)
			}
			return
		}
	}
	t.Error("no storm")
}

func TestRepetitionMakesASurgeAStorm(t *testing.T) {
	for _, c := range []struct {
		name  string
		class Class
		top   float64
		want  []string
	}{
		{"one line", ClassError, 0.9, []string{"1m7s surge rate", "1m8s storm repeat"}},
		{"many lines", ClassError, 0.3, []string{"1m7s surge rate"}},
		{"one line of an access log", ClassAccess, 0.9, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(c.class, nil)
			r.top = c.top
			r.run(60, 0)
			r.run(30, 400_000)
			r.expect(t, c.want...)
		})
	}
}

func TestTimeToFullIsAnAlarmOfWhoCausesIt(t *testing.T) {
	small := Space{Available: 200 << 20, Total: 10 << 30}
	for _, c := range []struct {
		name         string
		class        Class
		before, then uint64
		space        Space
		want         []string
	}{
		{"an access log three times its usual on a disk nearly full", ClassAccess, 300_000, 900_000, small, []string{"16m30s storm ttf"}},
		{"the same with room", ClassAccess, 300_000, 900_000, Space{Available: 100 << 30, Total: 200 << 30}, nil},
		{"the same with space not known", ClassAccess, 300_000, 900_000, Space{}, nil},
		{"a steady one", ClassAccess, 900_000, 900_000, small, nil},
		{"a slow one", ClassError, 100, 10_000, small, nil},
		{"five times its usual, full within the hour", ClassAccess, 300_000, 1_500_000, Space{Available: 4 << 30, Total: 100 << 30}, []string{"16m45s storm access"}},
		{"three and a half times, full within the hour", ClassAccess, 300_000, 1_050_000, Space{Available: 3 << 30, Total: 100 << 30}, []string{"16m48s surge ttf"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(c.class, nil)
			r.space = c.space
			r.run(960, c.before)
			r.run(60, c.then)
			r.expect(t, c.want...)
		})
	}
}

func TestOffIsSilent(t *testing.T) {
	r := newRig(ClassError, func(c *EmergencyConfig) { c.Enabled = false })
	r.run(120, 10*mb)
	r.expect(t)
	if len(r.steps) != 0 || r.l.Level() != LevelStorm {
		t.Errorf("steps %v, level %v", r.steps, r.l.Level())
	}
	d := NewDiskLadder(r.l.cfg)
	if steps := d.Step(DiskSample{Now: r.now, Refused: true}); steps != nil || d.Level() != SpaceFull {
		t.Errorf("disk steps %v, level %v", steps, d.Level())
	}
}

func TestFlappingIsHeldOpen(t *testing.T) {
	r := newRig(ClassError, func(c *EmergencyConfig) { c.Factor = 1.5 })
	for range 4 {
		r.run(10, 1*mb)
		r.run(9*60, 0)
	}
	r.run(3600, 0)
	surges, calms := 0, 0
	for _, s := range r.steps {
		switch s.(type) {
		case Surge:
			surges++
		case Calm:
			calms++
		}
	}
	if surges != 3 || calms != 3 {
		t.Errorf("%d surges, %d calms for four bursts, want the third to last through the fourth: %q", surges, calms, r.said)
	}
}

func TestRotationsForGrowthAreSpaced(t *testing.T) {
	r := newRig(ClassError, nil)
	r.run(1800, 20*mb)
	checkTurns(t, r, 10*time.Second, 6)
	if n := countTurns(r); n != 18 {
		t.Errorf("%d rotations in half an hour of storm, want 18", n)
	}
}

func TestRotationComesWithTheSurge(t *testing.T) {
	r := newRig(ClassError, nil)
	r.run(60, 0)
	r.run(40, 1*mb)
	if n := countTurns(r); n != 2 {
		t.Errorf("%d rotations, want one with the surge and one with the storm", n)
	}
	quiet := newRig(ClassError, nil)
	quiet.run(60, 0)
	quiet.run(4, 1*mb)
	quiet.l.Rotated()
	quiet.run(60, 100)
	if n := countTurns(quiet); n != 1 {
		t.Errorf("%d rotations, want none after the bytes were turned", n)
	}
}

func countTurns(r *rig) (n int) {
	for _, s := range r.steps {
		if _, ok := s.(Rotate); ok {
			n++
		}
	}
	return n
}

func checkTurns(t *testing.T, r *rig, spacing time.Duration, budget int) {
	t.Helper()
	var turned []time.Duration
	for i, s := range r.steps {
		if _, ok := s.(Rotate); !ok {
			continue
		}
		at := r.at[i]
		if n := len(turned); n > 0 && at-turned[n-1] < spacing {
			t.Fatalf("rotations at %v and %v", turned[n-1], at)
		}
		turned = append(turned, at)
		if n := len(turned); n > budget && at-turned[n-1-budget] < 10*time.Minute {
			t.Fatalf("more than %d rotations from %v to %v", budget, turned[n-1-budget], at)
		}
	}
}

// A clock that goes back or leaps is no reason for an alarm or for its end.
func TestLadderOutlivesTheClock(t *testing.T) {
	r := newRig(ClassError, nil)
	r.run(120, 1000)
	r.now = r.now.Add(-24 * time.Hour)
	r.run(600, 1000)
	r.now = r.now.Add(72 * time.Hour)
	r.run(600, 1000)
	r.expect(t)
	r.run(60, 1*mb)
	for _, jump := range []time.Duration{time.Hour, -2 * time.Hour, 24 * time.Hour} {
		r.now = r.now.Add(jump)
		r.run(1, 1*mb)
	}
	r.bytes, r.lines = 0, 0 // a counter that restarts
	r.run(30, 1*mb)
	if r.l.Level() != LevelStorm || len(r.said) != 2 {
		t.Errorf("level %v, said %q", r.l.Level(), r.said)
	}
}

// Whatever comes: a storm ends before the next begins, ends once, and
// rotations keep their distance.
func TestLadderProperties(t *testing.T) {
	for seed := range uint64(12) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		class := []Class{ClassError, ClassAccess}[seed%2]
		r := newRig(class, nil)
		r.space = Space{Available: int64(rnd.Uint64N(8 << 30)), Total: 10 << 30}
		for range 100 {
			r.top = rnd.Float64()
			rate := uint64(1) << rnd.IntN(27)
			for range 1 + rnd.IntN(240) {
				r.now = r.now.Add(time.Duration(rnd.IntN(3)) * 700 * time.Millisecond)
				r.bytes += rate
				r.lines += rate / 90
				r.sample()
			}
		}
		checkOrder(t, r)
		checkTurns(t, r, 10*time.Second, 6)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func checkOrder(t *testing.T, r *rig) {
	t.Helper()
	level := LevelCalm
	for i, s := range r.steps {
		switch s := s.(type) {
		case Surge:
			if level != LevelCalm {
				t.Errorf("%v: a surge at level %v", r.at[i], level)
			}
			level = LevelWatch
		case Storm:
			if s.Again != (level == LevelStorm) {
				t.Errorf("%v: %+v at level %v", r.at[i], s, level)
			}
			level = LevelStorm
		case Calm:
			if level == LevelCalm || s.Storm != (level == LevelStorm) {
				t.Errorf("%v: %+v at level %v", r.at[i], s, level)
			}
			level = LevelCalm
		}
	}
	if level != r.l.Level() {
		t.Errorf("steps say %v, the ladder %v", level, r.l.Level())
	}
}

func TestEmergencyConfig(t *testing.T) {
	cfg := config.Default[EmergencyConfig]()
	if err := cfg.Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	cfg.ReserveMin = cfg.ReserveMax + 1
	cfg.TTFCrit = config.Duration(48 * time.Hour)
	if n := len(config.List(cfg.Validate())); n != 2 {
		t.Errorf("%d problems, want 2: %v", n, cfg.Validate())
	}
}

func BenchmarkLadder(b *testing.B) {
	r := newRig(ClassError, nil)
	b.ReportAllocs()
	for b.Loop() {
		r.run(1, 1000)
	}
}
