package manage

import (
	"time"

	"github.com/reeveproxy/reeve/proxy/member"
)

// Status is a proxy at one moment.
type Status struct {
	Name     string        `json:"name"`
	Since    time.Time     `json:"since"` // when the proxy was made
	Uptime   time.Duration `json:"uptime"`
	Requests uint64        `json:"requests"`  // ever taken on
	Denied   uint64        `json:"denied"`    // refused before a member was asked
	Dropped  uint64        `json:"dropped"`   // access lines lost to a blocked log
	InFlight []Request     `json:"in_flight"` // oldest first
	Pools    []Pool        `json:"pools"`     // by name
}

// Pool is one pool of a Status.
type Pool struct {
	Name    string        `json:"name"`
	Method  string        `json:"method"`
	Members []member.View `json:"members"`
}

// Request is a request in flight.
type Request struct {
	ID     uint64        `json:"id"`
	Client string        `json:"client"`
	Method string        `json:"method"`
	Path   string        `json:"path"` // without its query
	Member string        `json:"member,omitempty"`
	Age    time.Duration `json:"age"`
	Bytes  uint64        `json:"bytes"` // of the reply's body, so far
}
