package member

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/proxy/balance"
)

var t0 = time.Unix(1_000_000, 0)

func spec(names string, states ...State) PoolSpec {
	p := PoolSpec{Name: "p", Method: balance.ByRequests{}, Fails: 1, Retry: time.Minute}
	for i, n := range strings.Fields(names) {
		a, err := ParseAddress("http://" + n + ":80")
		if err != nil {
			panic(err)
		}
		m := Spec{Name: n, Address: a, Weight: 100}
		if i < len(states) {
			m.State = states[i]
		}
		p.Members = append(p.Members, m)
	}
	return p
}

func pick(t *testing.T, p *Pool, now time.Time, tried ...*Member) *Member {
	t.Helper()
	m := p.Pick(now, tried)
	if m == nil {
		t.Fatal("nobody to pick")
	}
	return m
}

// serve picks n times, each request over before the next, and names who served.
func serve(t *testing.T, p *Pool, now time.Time, n int) string {
	t.Helper()
	var out []string
	for range n {
		m := pick(t, p, now)
		p.Worked(m, now)
		p.Done(m)
		out = append(out, m.Name())
	}
	return strings.Join(out, " ")
}

func kinds(r *event.Recorder) string {
	var out []string
	for _, e := range r.Events() {
		out = append(out, e.Kind())
	}
	return strings.Join(out, " ")
}

func TestDisabledAndDrainTakeNoPart(t *testing.T) {
	p := NewPool(spec("a b c d", Active, Disabled, Active, Drain), event.Discard{}, t0)
	if got := serve(t, p, t0, 4); got != "a c a c" {
		t.Errorf("served by %s", got)
	}
	on := Active
	if err := p.Set("b", Change{State: &on}); err != nil {
		t.Fatal(err)
	}
	if got := serve(t, p, t0, 3); got != "a b c" {
		t.Errorf("with b back: served by %s", got)
	}
	if err := p.Set("x", Change{}); err == nil {
		t.Error("a member that is none was changed")
	}
}

func TestOutage(t *testing.T) {
	var r event.Recorder
	p := NewPool(spec("a b c"), &r, t0)
	m := pick(t, p, t0)
	p.Failed(m, t0, "refused")
	p.Done(m)
	if got := serve(t, p, t0.Add(time.Minute-1), 4); got != "b c b c" {
		t.Errorf("a in error: served by %s", got)
	}
	// One request tries it when its time has come, others do not wait for that one.
	due := t0.Add(time.Minute)
	first := p.Pick(due, nil)
	if first.Name() != "a" && first.Name() != "b" {
		t.Fatalf("first after retry: %s", first.Name())
	}
	held := []*Member{first}
	for range 6 {
		held = append(held, pick(t, p, due))
	}
	trials := 0
	for _, m := range held {
		if m.Name() == "a" {
			trials++
		}
	}
	if trials != 1 {
		t.Errorf("%d requests tried a at once, want 1", trials)
	}
	for _, m := range held {
		if m.Name() == "a" {
			p.Failed(m, due, "refused again")
		}
		p.Done(m)
	}
	if got := serve(t, p, due.Add(time.Minute-1), 8); strings.Contains(got, "a") {
		t.Errorf("a renewed its error, yet: %s", got)
	}
	later := due.Add(2 * time.Minute)
	if got := serve(t, p, later, 9); strings.Count(got, "a") < 3 {
		t.Errorf("a is back, yet: %s", got)
	}
	if got := kinds(&r); got != "member_down member_up" {
		t.Errorf("events: %s", got)
	}
	if up := event.Of[event.MemberUp](&r)[0]; up.Down != 3*time.Minute {
		t.Errorf("down for %v", up.Down)
	}
}

func TestFailsInARow(t *testing.T) {
	s := spec("a")
	s.Fails = 3
	var r event.Recorder
	p := NewPool(s, &r, t0)
	for _, works := range []bool{false, false, true, false, false, false} {
		m := pick(t, p, t0)
		if works {
			p.Worked(m, t0)
		} else {
			p.Failed(m, t0, "refused")
		}
		p.Done(m)
	}
	if got := kinds(&r); got != "member_down pool_empty" {
		t.Errorf("events: %s, want one outage after three in a row", got)
	}
}

func TestLastMemberIsNeverLost(t *testing.T) {
	var r event.Recorder
	p := NewPool(spec("a b c", Active, Active, Disabled), &r, t0)
	for _, name := range []string{"a", "b"} {
		m := pick(t, p, t0)
		if m.Name() != name {
			t.Fatalf("picked %s", m.Name())
		}
		p.Failed(m, t0, "refused")
		p.Done(m)
	}
	// All active ones are in error: each is tried, at most once a request.
	m1 := pick(t, p, t0)
	m2 := pick(t, p, t0, m1)
	if m1 == m2 {
		t.Error("one member was picked twice for a request")
	}
	if m := p.Pick(t0, []*Member{m1, m2}); m != nil {
		t.Errorf("%s was picked: it is disabled or was tried", m.Name())
	}
	p.Worked(m2, t0)
	p.Done(m1)
	p.Done(m2)
	if got := kinds(&r); got != "member_down member_down pool_empty member_up pool_serving" {
		t.Errorf("events: %s", got)
	}
	if got := serve(t, p, t0, 2); got != m2.Name()+" "+m2.Name() {
		t.Errorf("served by %s", got)
	}
}

func TestEmptyPool(t *testing.T) {
	var r event.Recorder
	p := NewPool(spec("a", Disabled), &r, t0)
	if m := p.Pick(t0, nil); m != nil {
		t.Errorf("picked %s", m.Name())
	}
	p.Update(spec("a"), t0)
	if got := kinds(&r); got != "pool_empty pool_serving" {
		t.Errorf("events: %s", got)
	}
}

func TestUpdateKeepsWhatIsKnown(t *testing.T) {
	p := NewPool(spec("a b c"), event.Discard{}, t0)
	m := pick(t, p, t0)
	p.Failed(m, t0, "refused") // a, and its request goes on
	if got := serve(t, p, t0, 1); got != "b" {
		t.Fatal(got)
	}
	p.Update(spec("c b a d"), t0)
	views := p.Snapshot(nil, t0)
	if v := views[2]; v.Name != "a" || !v.Down || v.Busy != 1 || v.Errors != 1 || v.RetryIn != time.Minute {
		t.Errorf("a after the update: %+v", v)
	}
	p.Done(m)
	if v := p.Snapshot(nil, t0)[2]; v.Busy != 0 {
		t.Errorf("busy = %d", v.Busy)
	}
	moved := spec("c b a d")
	moved.Members[2].Address, _ = ParseAddress("http://elsewhere:80")
	p.Update(moved, t0)
	if v := p.Snapshot(nil, t0)[2]; v.Down || v.Errors != 0 {
		t.Errorf("a at a new address: %+v", v)
	}
	p.Failed(m, t0, "late report") // m has left its pool
	if v := p.Snapshot(nil, t0)[2]; v.Down {
		t.Error("a late report about the old address took the new one out")
	}
}

// TestSharedByMany: counts are exact under contention, and busy returns to 0.
func TestSharedByMany(t *testing.T) {
	s := spec("a b c")
	s.Members[1].Weight = 200
	p := NewPool(s, event.Discard{}, t0)
	const workers, each = 8, 1000
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				m := p.Pick(t0, nil)
				p.Worked(m, t0)
				p.Done(m)
			}
		})
	}
	wg.Wait()
	for i, want := range []uint64{2000, 4000, 2000} {
		if v := p.Snapshot(nil, t0)[i]; v.Elected != want || v.Busy != 0 || v.Status != 0 {
			t.Errorf("%+v, want elected %d, busy 0, lbstatus 0", v, want)
		}
	}
}

func TestParseAddress(t *testing.T) {
	a, err := ParseAddress("HTTPS://WWW1.foo.dom/app/")
	if err != nil || a.Scheme != "https" || a.Name != "www1.foo.dom" || a.Port != "443" || a.Base != "/app" {
		t.Errorf("%+v, %v", a, err)
	}
	for _, text := range []string{"", "www1", "ftp://a", "http://", "http://u:p@a", "http://a?x", "http://a#x", "http://a:0", "http://a:99999", "http://[::1", "//a", "http://:80"} {
		if a, err := ParseAddress(text); err == nil {
			t.Errorf("%q = %+v", text, a)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	f.Add("http://10.0.0.1:8080/app")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAddress(text)
		if err == nil && (a.Name == "" || a.Port == "" || a.Host == "" || strings.HasSuffix(a.Base, "/")) {
			t.Fatalf("%q = %+v", text, a)
		}
	})
}

func BenchmarkPick(b *testing.B) {
	for _, n := range []int{2, 16, 256} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			names := make([]string, n)
			for i := range names {
				names[i] = fmt.Sprintf("m%d", i)
			}
			p := NewPool(spec(strings.Join(names, " ")), event.Discard{}, t0)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					m := p.Pick(t0, nil)
					p.Worked(m, t0)
					p.Done(m)
				}
			})
		})
	}
}
