package rotate

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
)

func TestMeasureSpace(t *testing.T) {
	s, err := MeasureSpace(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if s.Total <= 0 || s.Available < 0 || s.Available > s.Total || s.UsedShare < 0 || s.UsedShare > 1 || s.InodesFree > s.InodesTotal {
		t.Errorf("space %+v", s)
	}
	if _, err := MeasureSpace(t.TempDir() + "/missing"); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("a missing folder: %v", err)
	}
}

func TestReserve(t *testing.T) {
	cfg := config.Default[EmergencyConfig]()
	for total, want := range map[int64]int64{
		0: 0, -1: 0,
		64 << 20: 16 << 20, 1 << 30: 256 << 20, 2 << 30: 256 << 20, 20 << 30: 2 << 30, 100 << 30: 4 << 30, 10 << 40: 4 << 30,
	} {
		if got := cfg.Reserve(total); got != want {
			t.Errorf("of %d: %d, want %d", total, got, want)
		}
	}
}

func TestPollInterval(t *testing.T) {
	for ttf, want := range map[time.Duration]time.Duration{
		0: 15 * time.Second, -1: 15 * time.Second, time.Second: 250 * time.Millisecond,
		time.Minute: 3 * time.Second, time.Hour: 15 * time.Second,
	} {
		if got := PollInterval(ttf); got != want {
			t.Errorf("%v: %v, want %v", ttf, got, want)
		}
	}
}

// diskRig feeds a DiskLadder one sample each five seconds.
type diskRig struct {
	d     *DiskLadder
	now   time.Time
	begin time.Time
	space Space
	said  []string
	steps []Step
}

func newDiskRig(total, available int64) *diskRig {
	now := time.Date(2026, 4, 15, 12, 0, 0, 0, time.UTC)
	return &diskRig{
		d: NewDiskLadder(config.Default[EmergencyConfig]()), now: now, begin: now,
		space: Space{Total: total, Available: available},
	}
}

func (r *diskRig) run(d time.Duration, perSecond int64, refused bool) {
	for end := r.now.Add(d); r.now.Before(end); r.now = r.now.Add(5 * time.Second) {
		r.space.Available = min(max(r.space.Available-5*perSecond, 0), r.space.Total)
		r.space.UsedShare = 1 - float64(r.space.Available)/float64(r.space.Total)
		for _, s := range r.d.Step(DiskSample{Now: r.now, Space: r.space, Refused: refused}) {
			r.steps = append(r.steps, s)
			at := r.now.Sub(r.begin)
			switch s := s.(type) {
			case DiskLow:
				word := ""
				if s.Again {
					word = " again"
				}
				r.said = append(r.said, fmt.Sprintf("%v %v%s", at, s.Level, word))
			case DiskOK:
				r.said = append(r.said, fmt.Sprintf("%v ok", at))
			}
		}
	}
}

func (r *diskRig) expect(t *testing.T, want ...string) {
	t.Helper()
	if strings.Join(r.said, ", ") != strings.Join(want, ", ") {
		t.Errorf("said %q\nwant %q", r.said, want)
	}
}

func TestDiskLevels(t *testing.T) {
	const gb = 1 << 30
	for _, c := range []struct {
		name  string
		space Space
		want  SpaceLevel
	}{
		{"roomy", Space{Total: 100 * gb, Available: 50 * gb, UsedShare: 0.5}, SpaceOK},
		{"below twice the reserve", Space{Total: 100 * gb, Available: 7 * gb, UsedShare: 0.93}, SpaceWarn},
		{"95 percent used", Space{Total: 1000 * gb, Available: 50 * gb, UsedShare: 0.95}, SpaceWarn},
		{"below the reserve", Space{Total: 100 * gb, Available: 3 * gb, UsedShare: 0.97}, SpaceHigh},
		{"99 percent of 100 GB", Space{Total: 100e9, Available: 1e9, UsedShare: 0.99}, SpaceCrit},
		{"no inodes", Space{Total: 100 * gb, Available: 50 * gb, UsedShare: 0.5, InodesTotal: 1000, InodesFree: 19}, SpaceCrit},
		{"a small tmpfs, half empty", Space{Total: 64 << 20, Available: 40 << 20, UsedShare: 0.4}, SpaceOK},
		{"a small tmpfs, nearly full", Space{Total: 64 << 20, Available: 3 << 20, UsedShare: 0.95}, SpaceCrit},
		{"not known", Space{}, SpaceOK},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := NewDiskLadder(config.Default[EmergencyConfig]())
			steps := d.Step(DiskSample{Now: time.Unix(0, 0), Space: c.space})
			if d.Level() != c.want {
				t.Errorf("level %v, want %v", d.Level(), c.want)
			}
			_, told := find[DiskLow](steps)
			if told != (c.want != SpaceOK) {
				t.Errorf("steps %+v", steps)
			}
			if r, ok := find[Reclaim](steps); ok != (c.want == SpaceHigh || c.want == SpaceCrit && c.space.InodesTotal == 0) || ok && r.Bytes < 1 {
				t.Errorf("reclaim %v %+v", ok, r)
			}
		})
	}
}

func find[T Step](steps []Step) (T, bool) {
	for _, s := range steps {
		if v, ok := s.(T); ok {
			return v, true
		}
	}
	var zero T
	return zero, false
}

func TestDiskFillsAndRecovers(t *testing.T) {
	r := newDiskRig(64<<20, 40<<20)
	r.run(10*time.Second, 0, false)
	r.space.Available = 0
	r.run(10*time.Second, 0, true)
	r.space.Available = 60 << 20
	r.run(40*time.Minute, 0, false)
	r.expect(t, "10s full", "5m15s crit", "10m15s high", "15m15s warn", "20m15s ok")
}

func TestDiskLevelIsToldAgainWhileCritical(t *testing.T) {
	r := newDiskRig(100<<30, 500<<20)
	r.run(61*time.Minute, 0, false)
	r.expect(t, "0s crit", "30m0s crit again", "1h0m0s crit again")
}

func TestDiskThatSwingsIsOneAlarm(t *testing.T) {
	r := newDiskRig(100<<30, 9<<30)
	for range 30 {
		r.space.Available = 15 << 29
		r.run(time.Minute, 0, false)
		r.space.Available = 9 << 30 // above twice the reserve, below 1.25 times that
		r.run(4*time.Minute, 0, false)
	}
	if len(r.said) != 1 {
		t.Errorf("said %q", r.said)
	}
}

func TestTimeToFullRaisesTheDisk(t *testing.T) {
	r := newDiskRig(1<<40, 100<<30)
	r.space.UsedShare = 0.9
	r.run(2*time.Minute, 1<<20, false)
	r.expect(t)
	r.run(8*time.Minute, 60<<20, false) // full within half an hour
	if r.d.Level() != SpaceWarn || r.d.TimeToFull() <= 0 || r.d.TimeToFull() > time.Hour {
		t.Errorf("level %v, time to full %v", r.d.Level(), r.d.TimeToFull())
	}
	copied := newDiskRig(1<<40, 300<<30)
	copied.run(time.Minute, 0, false)
	copied.run(time.Minute, 200<<20, false) // 12 GiB are copied: at that rate full within half an hour
	copied.run(time.Hour, 0, false)
	copied.expect(t)
}

func TestDiskGaugeThatFailsChangesNothing(t *testing.T) {
	r := newDiskRig(100<<30, 3<<30)
	r.run(time.Minute, 0, false)
	for range 1000 {
		r.now = r.now.Add(5 * time.Second)
		if steps := r.d.Step(DiskSample{Now: r.now}); len(steps) != 0 {
			t.Fatalf("steps %+v", steps)
		}
	}
	if r.d.Level() != SpaceHigh {
		t.Errorf("level %v", r.d.Level())
	}
}

// Whatever comes: the level falls by single steps, not sooner than CalmAfter
// after each change, and each change is told once.
func TestDiskLadderProperties(t *testing.T) {
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		d := NewDiskLadder(config.Default[EmergencyConfig]())
		now, changed := time.Unix(0, 0), time.Unix(0, 0)
		space := Space{Total: 64 << 30, Available: 32 << 30, InodesTotal: 1000, InodesFree: 500}
		for range 20_000 {
			now = now.Add(time.Duration(rnd.IntN(15_000)) * time.Millisecond)
			if rnd.IntN(50) == 0 {
				space.Available = int64(rnd.Uint64N(64 << 30))
			}
			was := d.Level()
			steps := d.Step(DiskSample{Now: now, Space: space, Rate: rnd.Float64() * mb, Refused: rnd.IntN(2000) == 0})
			is := d.Level()
			if is < was && (is != was-1 || now.Sub(changed) < 5*time.Minute) {
				t.Fatalf("seed %d: fell from %v to %v %v after a change", seed, was, is, now.Sub(changed))
			}
			low, told := find[DiskLow](steps)
			_, ok := find[DiskOK](steps)
			if was != is {
				changed = now
				if ok != (is == SpaceOK) || told == ok || told && (low.Level != is || low.Was != was || low.Again) {
					t.Fatalf("seed %d: from %v to %v: %+v", seed, was, is, steps)
				}
			} else if ok || told && !low.Again {
				t.Fatalf("seed %d: still %v: %+v", seed, is, steps)
			}
		}
	}
}
