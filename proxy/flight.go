package proxy

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reeveproxy/reeve/internal/scoreboard"
	"github.com/reeveproxy/reeve/proxy/member"
)

// outcome says how a request ended.
type outcome string

const (
	outcomeOK          outcome = "ok"
	outcomeClientAbort outcome = "client_abort" // the client went away
	outcomeTimeout     outcome = "timeout"      // past its route's total time
	outcomeKilled      outcome = "killed"       // the supervisor's word
	outcomeShutdown    outcome = "shutdown"     // still there when the drain time was over
	outcomeMemberError outcome = "member_error" // no member gave a whole reply
	outcomeNoMember    outcome = "no_member"    // nobody could be asked
	outcomeRefused     outcome = "refused"      // not for this site, or denied
	outcomeBadRequest  outcome = "bad_request"  // malformed
	outcomeFull        outcome = "full"         // the scoreboard had no slot
	outcomePanic       outcome = "panic"
)

// endGrace is how long a request that was ended has to say so to its client.
const endGrace = time.Second

// flight is a request in flight as others than its own goroutine see it. It
// may be ended from outside until it is over.
type flight struct {
	slot   scoreboard.Slot
	client string
	method string
	path   string
	start  time.Time
	member atomic.Pointer[member.Member]
	bytes  atomic.Uint64 // of the reply's body, sent to the client
	cancel context.CancelFunc
	conn   net.Conn // the client's; nil in tests

	mu     sync.Mutex
	over   bool
	ended  outcome // by whom from outside; empty if not
	closer func()  // closes a tunnel
}

// end ends the request: the exchange with its member is cancelled and its
// client's connection, if it blocks, stops blocking. It returns false where the
// request is over or was ended before. It may be called from any goroutine.
func (f *flight) end(why outcome) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over || f.ended != "" {
		return false
	}
	f.ended = why
	f.cancel()
	if f.conn != nil {
		now := time.Now()
		_ = f.conn.SetReadDeadline(now) // a closed connection needs no deadline
		_ = f.conn.SetWriteDeadline(now.Add(endGrace))
	}
	if f.closer != nil {
		f.closer()
	}
	return true
}

// endedBy returns who ended the request from outside, or "".
func (f *flight) endedBy() outcome {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ended
}

// adopt makes end close a tunnel as well. It returns false where the request
// was ended already.
func (f *flight) adopt(closer func()) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closer = closer
	return f.ended == ""
}

// land marks the request as over; end does nothing from here on.
func (f *flight) land() outcome {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
	return f.ended
}

// flights finds the request in a scoreboard slot. It grows by segments, so
// that a quiet proxy holds little, without a lock on the way of a request.
type flights struct {
	segments [scoreboard.MaxSlots / segmentSize]atomic.Pointer[segment]
}

const segmentSize = 1024

type segment [segmentSize]atomic.Pointer[flight]

func (fs *flights) put(index int, f *flight) {
	at := &fs.segments[index/segmentSize]
	s := at.Load()
	for s == nil {
		at.CompareAndSwap(nil, new(segment))
		s = at.Load()
	}
	s[index%segmentSize].Store(f)
}

func (fs *flights) get(index int) *flight {
	if s := fs.segments[index/segmentSize].Load(); s != nil {
		return s[index%segmentSize].Load()
	}
	return nil
}

// each calls f for all requests in flight.
func (fs *flights) each(f func(*flight)) {
	for i := range fs.segments {
		s := fs.segments[i].Load()
		if s == nil {
			continue
		}
		for j := range s {
			if fl := s[j].Load(); fl != nil {
				f(fl)
			}
		}
	}
}
