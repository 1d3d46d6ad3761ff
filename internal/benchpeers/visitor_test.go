//go:build benchpeers && linux

package benchpeers

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// visitor connects anew every millisecond, whether or not earlier answers have
// come: a stall keeps nobody from coming.
type visitor struct {
	addr string

	mu      sync.Mutex
	good    []time.Time // when answers came
	refused int         // connects that were refused
	broken  int         // connects that were accepted and got no answer
	lastPID int         // of the last good answer
}

const (
	interval = time.Millisecond
	// together bounds the visits under way: 30 seconds of a stall.
	together = 30000
)

// visit starts the visits; they end with the returned function, which waits
// for the last one.
func visit(t testing.TB, addr string) (*visitor, func()) {
	t.Helper()
	v := &visitor{addr: addr}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	slots := make(chan struct{}, together) // one for each visit under way
	wg.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			slots <- struct{}{}
			wg.Go(func() { defer func() { <-slots }(); v.one() })
		}
	})
	stop := sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	return v, stop
}

func (v *visitor) one() {
	pid, err := ask(v.addr)
	now := time.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case err == nil:
		v.good = append(v.good, now)
		v.lastPID = pid
	case errors.Is(err, syscall.ECONNREFUSED):
		v.refused++
	default:
		v.broken++
	}
}

// ask makes one connection and one request, and returns the process number
// that the server answers.
func ask(addr string) (int, error) {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	// A reset at the end leaves no port behind to wait.
	conn.(*net.TCPConn).SetLinger(0)
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"); err != nil {
		return 0, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return 0, errors.New(resp.Status)
	}
	return strconv.Atoi(string(body))
}

func (v *visitor) pid() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.lastPID
}

// since reports whether an answer has come after the time.
func (v *visitor) since(at time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.good) > 0 && v.good[len(v.good)-1].After(at)
}

// stall is the longest time without an answer that ended in the period.
func (v *visitor) stall(from, to time.Time) (longest time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := 1; i < len(v.good); i++ {
		if v.good[i].After(from) && !v.good[i].After(to) {
			longest = max(longest, v.good[i].Sub(v.good[i-1]))
		}
	}
	return longest
}
