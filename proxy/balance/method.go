package balance

import (
	"fmt"
	"math/bits"
)

// Seat is one member as a method sees it.
type Seat struct {
	Weight int64 // share of the work, in any unit that all seats of a pool share; above 0
	Status int64 // how urgently it must work, in units of Weight; starts at 0
	Offers bool  // takes part in this choice
}

// Method chooses among seats. It may change the Status of seats that take part
// and nothing else. Implementations hold no state of their own, so one value
// serves every pool.
type Method interface {
	// Name is the method's name in a configuration.
	Name() string
	// Choose returns the index of the chosen seat, or -1 where none takes part.
	// draw is a uniformly random number; methods without chance ignore it.
	Choose(seats []Seat, draw uint64) int
}

// Lookup returns the method of that name.
func Lookup(name string) (Method, error) {
	switch name {
	case ByRequests{}.Name():
		return ByRequests{}, nil
	case Random{}.Name():
		return Random{}, nil
	}
	return nil, fmt.Errorf("no balancing method %q, want byrequests or random", name)
}

// ByRequests shares requests by weight, as evenly spread as whole requests allow.
type ByRequests struct{}

// Name is "byrequests".
func (ByRequests) Name() string { return "byrequests" }

// Choose raises every seat that takes part by its weight and charges the sum
// to the highest.
func (ByRequests) Choose(seats []Seat, _ uint64) int {
	best, high, total := -1, int64(0), int64(0)
	for i := range seats {
		s := &seats[i]
		if !s.Offers {
			continue
		}
		s.Status += s.Weight
		total += s.Weight
		if best < 0 || s.Status > high {
			best, high = i, s.Status
		}
	}
	if best >= 0 {
		seats[best].Status -= total
	}
	return best
}

// Random chooses by chance, in proportion to the weights.
type Random struct{}

// Name is "random".
func (Random) Name() string { return "random" }

// Choose maps draw onto the weights laid end to end.
func (Random) Choose(seats []Seat, draw uint64) int {
	var total int64
	last := -1
	for i := range seats {
		if seats[i].Offers {
			total += seats[i].Weight
			last = i
		}
	}
	if last < 0 {
		return -1
	}
	point, _ := bits.Mul64(draw, uint64(total)) // scales draw to [0, total) without a division's bias
	for i := range seats[:last] {
		if !seats[i].Offers {
			continue
		}
		if point < uint64(seats[i].Weight) {
			return i
		}
		point -= uint64(seats[i].Weight)
	}
	return last
}
