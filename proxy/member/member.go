package member

import (
	"sync/atomic"
	"time"

	"github.com/reeveproxy/reeve/proxy/balance"
)

// State is what the operator wants of a member.
type State string

// The states.
const (
	Active   State = "active"   // takes requests
	Disabled State = "disabled" // takes none
	Drain    State = "drain"    // takes no new ones and finishes what it has
)

// Spec describes one member.
type Spec struct {
	Name    string
	Address Address
	Weight  balance.Weight
	State   State // empty means Active
}

// Member is one server of a pool. Its counters may be used by any goroutine.
type Member struct {
	name    string
	address Address

	// outage is true from the first failure until a success, so that the
	// common report (all is well) takes no lock.
	outage atomic.Bool

	_ [64]byte // counters of neighbours must not share a cache line

	busy    atomic.Int64
	elected atomic.Uint64
	errors  atomic.Uint64
	sent    atomic.Uint64
	got     atomic.Uint64
}

// Name is unique in the pool.
func (m *Member) Name() string { return m.name }

// Address is where it is reached.
func (m *Member) Address() *Address { return &m.address }

// AddSent counts bytes of requests' bodies sent to the member.
func (m *Member) AddSent(n int64) { m.sent.Add(uint64(n)) }

// AddReceived counts bytes of replies' bodies received from the member.
func (m *Member) AddReceived(n int64) { m.got.Add(uint64(n)) }

// AddError counts a request that the member could not serve.
func (m *Member) AddError() { m.errors.Add(1) }

// View is a member at one moment, for people.
type View struct {
	Name     string        `json:"name"`
	URL      string        `json:"url"`
	Weight   float64       `json:"weight"`
	State    State         `json:"state"`
	Down     bool          `json:"down"`               // in error
	Reason   string        `json:"reason,omitempty"`   // of the error
	RetryIn  time.Duration `json:"retry_in,omitempty"` // until it is tried again
	Status   float64       `json:"lbstatus"`           // in units of the weight
	Elected  uint64        `json:"elected"`            // how often it was chosen
	Busy     int64         `json:"busy"`               // requests it serves now
	Errors   uint64        `json:"errors"`
	Sent     uint64        `json:"bytes_to"`
	Received uint64        `json:"bytes_from"`
}
