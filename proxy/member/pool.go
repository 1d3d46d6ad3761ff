package member

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/proxy/balance"
)

// PoolSpec describes a pool.
type PoolSpec struct {
	Name    string
	Method  balance.Method
	Fails   int           // failures in a row that put a member in error; 0 means 1
	Retry   time.Duration // how long a member stays in error; 0 means it is tried again at once
	Members []Spec        // in the order that decides ties; names are unique
}

// Pool chooses among members. Its methods are safe for several goroutines.
type Pool struct {
	name string
	sink event.Sink

	mu    sync.Mutex // held for the length of one choice, never across I/O or Emit
	spec  PoolSpec
	seats []balance.Seat // seats[i] and chairs[i] are one member
	chair []chair
	down  int // chairs in error
	empty bool
}

// chair is what the pool knows of a member besides its seat.
type chair struct {
	member *Member
	state  State
	fails  int // in a row
	down   bool
	trial  bool // a request tries it now
	since  time.Time
	until  time.Time
	reason string
}

// NewPool makes a pool. It emits PoolEmpty where no member is active.
func NewPool(spec PoolSpec, sink event.Sink, now time.Time) *Pool {
	p := &Pool{name: spec.Name, sink: sink}
	p.Update(spec, now)
	return p
}

// Name is the pool's name.
func (p *Pool) Name() string { return p.name }

// Update puts a new description in force, between two choices.
func (p *Pool) Update(spec PoolSpec, now time.Time) {
	p.mu.Lock()
	seats := make([]balance.Seat, len(spec.Members))
	chairs := make([]chair, len(spec.Members))
	var total int64
	for _, m := range spec.Members {
		total += m.Weight.Units()
	}
	for i, m := range spec.Members {
		seats[i], chairs[i] = p.inheritLocked(m)
		seats[i].Weight = m.Weight.Units()
		// A debt from a time of other weights must not outlast one round.
		seats[i].Status = min(max(seats[i].Status, -total), total)
	}
	p.spec, p.seats, p.chair = spec, seats, chairs
	p.down = 0
	for i := range chairs {
		if chairs[i].down {
			p.down++
		}
		p.seatLocked(i)
	}
	news := p.countLocked()
	p.mu.Unlock()
	p.tell(news)
}

func (p *Pool) inheritLocked(s Spec) (balance.Seat, chair) {
	state := s.State
	if state == "" {
		state = Active
	}
	fresh := chair{member: &Member{name: s.Name, address: s.Address}, state: state}
	i := p.indexLocked(s.Name)
	if i < 0 {
		return balance.Seat{}, fresh
	}
	if old := p.chair[i]; old.member.address == s.Address {
		old.state = state
		return p.seats[i], old
	}
	return balance.Seat{Status: p.seats[i].Status}, fresh
}

func (p *Pool) indexLocked(name string) int {
	return slices.IndexFunc(p.chair, func(c chair) bool { return c.member.name == name })
}

// seatLocked derives whether a member takes part from what is known of it.
func (p *Pool) seatLocked(i int) {
	p.seats[i].Offers = p.chair[i].state == Active && !p.chair[i].down
}

// Change is what an operator may change of a member while it serves; nil
// leaves a thing as it is.
type Change struct {
	Weight *balance.Weight
	State  *State
}

// Set changes a member. It is an error where the pool has no such member.
func (p *Pool) Set(name string, c Change) error {
	p.mu.Lock()
	i := p.indexLocked(name)
	if i < 0 {
		p.mu.Unlock()
		return fmt.Errorf("pool %s has no member %q", p.name, name)
	}
	if c.Weight != nil {
		p.seats[i].Weight = c.Weight.Units()
	}
	if c.State != nil {
		p.chair[i].state = *c.State
		p.seatLocked(i)
	}
	news := p.countLocked()
	p.mu.Unlock()
	p.tell(news)
	return nil
}

// Pick chooses a member for a request that was not yet tried on any of tried.
// It returns nil where nobody is left. The caller owes one Done for it.
func (p *Pool) Pick(now time.Time, tried []*Member) *Member {
	draw := rand.Uint64()
	p.mu.Lock()
	defer p.mu.Unlock()
	var i int
	if p.down == 0 && len(tried) == 0 {
		i = p.spec.Method.Choose(p.seats, draw)
	} else {
		i = p.chooseLocked(now, tried, draw)
	}
	if i < 0 {
		return nil
	}
	m := p.chair[i].member
	m.busy.Add(1)
	m.elected.Add(1)
	return m
}

// chooseLocked is the choice with exceptions: members in error whose time has
// come, members already tried, and everybody in error.
func (p *Pool) chooseLocked(now time.Time, tried []*Member, draw uint64) int {
	for i := range p.chair {
		c := &p.chair[i]
		due := c.down && !c.trial && !now.Before(c.until)
		p.seats[i].Offers = c.state == Active && (!c.down || due) && !slices.Contains(tried, c.member)
	}
	i := p.spec.Method.Choose(p.seats, draw)
	if i < 0 {
		for i := range p.chair {
			p.seats[i].Offers = p.chair[i].state == Active && !slices.Contains(tried, p.chair[i].member)
		}
		i = p.spec.Method.Choose(p.seats, draw)
	}
	if i >= 0 && p.chair[i].down {
		p.chair[i].trial = true
	}
	for i := range p.chair {
		p.seatLocked(i)
	}
	return i
}

// Done ends what Pick began.
func (p *Pool) Done(m *Member) {
	m.busy.Add(-1)
	if m.outage.Load() {
		p.mu.Lock()
		if i := p.findLocked(m); i >= 0 {
			p.chair[i].trial = false
		}
		p.mu.Unlock()
	}
}

func (p *Pool) findLocked(m *Member) int {
	return slices.IndexFunc(p.chair, func(c chair) bool { return c.member == m })
}

// Snapshot appends the members to dst, in the pool's order.
func (p *Pool) Snapshot(dst []View, now time.Time) []View {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.chair {
		c, m := &p.chair[i], p.chair[i].member
		v := View{
			Name: m.name, URL: m.address.Text, State: c.state, Down: c.down,
			Weight: float64(p.seats[i].Weight) / 100, Status: float64(p.seats[i].Status) / 100,
			Elected: m.elected.Load(), Busy: m.busy.Load(), Errors: m.errors.Load(),
			Sent: m.sent.Load(), Received: m.got.Load(),
		}
		if c.down {
			v.Reason, v.RetryIn = c.reason, max(0, c.until.Sub(now))
		}
		dst = append(dst, v)
	}
	return dst
}

// Method is the name of the balancing method in force.
func (p *Pool) Method() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.spec.Method.Name()
}
