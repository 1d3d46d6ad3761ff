package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/scoreboard"
	"github.com/reeveproxy/reeve/rlimit"
	"github.com/reeveproxy/reeve/supervisor"
	"github.com/reeveproxy/reeve/watchdog"
	"github.com/reeveproxy/reeve/watchdog/runaway"
)

// The variables that name the built-in proxy's descriptors.
const (
	envConfigFD     = "REEVE_CONFIG_FD"
	envScoreboardFD = "REEVE_SCOREBOARD_FD"
	envEventsFD     = "REEVE_EVENTS_FD"
	envAccessFD     = "REEVE_ACCESS_FD"
)

// childArgv is the child: this binary as the built-in proxy, or the command.
func childArgv(f *File) ([]string, error) {
	if f.Proxy.Builtin == nil {
		return f.Proxy.Command, nil
	}
	self, err := selfPath()
	if err != nil {
		return nil, fmt.Errorf("find own program: %w", err)
	}
	return []string{self, "proxy"}, nil
}

// childName is what the child is called in events and status.
func childName(f *File) string {
	if f.Proxy.Builtin != nil {
		return "reeve proxy"
	}
	return f.Proxy.Command[0]
}

// shimArgv is what stands before the child's argv: this binary, which sets the
// limits on itself and becomes the child.
func shimArgv(limits rlimit.Set) ([]string, error) {
	self, err := selfPath()
	if err != nil {
		return nil, fmt.Errorf("find own program: %w", err)
	}
	argv := []string{self, "exec"}
	for _, flag := range limits.Flags() {
		argv = append(argv, "--limit", flag)
	}
	return append(argv, "--"), nil
}

// childEnv is reeve's own environment without what was meant for reeve: its
// manager's notify socket and watchdog, and sockets handed to it.
func childEnv(extra map[string]string) []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		switch name {
		case "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "REEVE_JOURNAL", "REEVE_STATE":
			continue
		}
		if _, ok := extra[name]; !ok {
			env = append(env, kv)
		}
	}
	for name, value := range extra {
		env = append(env, name+"="+value)
	}
	return env
}

// inherit prepares what the built-in proxy gets beside its sockets.
func (h *house) inherit(life uint64, firstFD int) (supervisor.Inheritance, error) {
	h.talk.words.Turn()
	if h.boards == nil {
		return supervisor.Inheritance{}, nil
	}
	board, err := h.boards.create(life)
	if err != nil {
		return supervisor.Inheritance{}, err
	}
	access, err := h.keeper.Writer(logAccess)
	if err != nil {
		return supervisor.Inheritance{}, err
	}
	events, err := h.talk.open(life)
	if err != nil {
		return supervisor.Inheritance{}, err
	}
	return supervisor.Inheritance{
		Files: []*os.File{h.handover.reader, board.File(), events, access},
		Env: []string{
			fmt.Sprintf("%s=%d", envConfigFD, firstFD),
			fmt.Sprintf("%s=%d", envScoreboardFD, firstFD+1),
			fmt.Sprintf("%s=%d", envEventsFD, firstFD+2),
			fmt.Sprintf("%s=%d", envAccessFD, firstFD+3),
		},
		Done: func() { events.Close() },
	}, nil
}

// verifyLimits reads back what the kernel holds for the life.
func (h *house) verifyLimits(l supervisor.Life) {
	have, err := rlimit.Read(l.PID)
	if err != nil {
		return // the life is gone already; its exit tells more
	}
	h.mu.Lock()
	h.real = have
	h.mu.Unlock()
	if len(h.limits) == 0 {
		return
	}
	wrong, err := rlimit.Verify(l.PID, h.limits)
	if err != nil {
		return
	}
	held := true
	for _, m := range wrong {
		if !m.Looser {
			continue // a program may tighten its own limits; nobody is woken for that
		}
		held = false
		h.hub.Emit(event.LimitMismatched{Life: l.Number, Limit: string(m.Resource), Want: m.Want.Text(m.Resource), Got: m.Have.Text(m.Resource)})
	}
	if held {
		h.hub.Emit(event.LimitsVerified{Life: l.Number, Count: len(h.limits)})
	}
}

// heldLimits is what the kernel held for the newest life when it was launched.
func (h *house) heldLimits() map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := map[string]string{}
	for r, l := range h.real {
		out[string(r)] = l.Text(r)
	}
	return out
}

// endLifeTime bounds the wait for the pumps at a life's end. They answer within
// a scheduler's turn unless a full disk with the policy block holds them up,
// and then the next life matters more than a clean line.
const endLifeTime = 100 * time.Millisecond

// lifeEnded closes the last line of the streams that the life wrote. A life
// that was killed may have been in the middle of its access log too.
func (h *house) lifeEnded(supervisor.Life, supervisor.Exit) {
	ctx, cancel := context.WithTimeout(context.Background(), endLifeTime)
	defer cancel()
	names := []string{logStdout, logStderr}
	if h.boards != nil {
		names = append(names, logAccess)
	}
	for _, name := range names {
		_ = h.keeper.EndLife(ctx, name) // too late, or the keeper has ended: the line stays open
	}
}

func (h *house) inFlight(life uint64) []scoreboard.Request {
	if h.boards == nil {
		return nil
	}
	return h.boards.inFlight(life)
}

// lifeBoard is the scoreboard of whatever life is the newest, as a source of
// runaways. It is one source for all lives, so that an incident about reading
// it can end in a later life than it began in.
type lifeBoard struct {
	boards *boards
	life   func() uint64
}

// Name is "scoreboard".
func (s lifeBoard) Name() string { return "scoreboard" }

// Snapshot returns the requests in flight.
func (s lifeBoard) Snapshot(ctx context.Context) (out []runaway.Request, err error) {
	s.boards.of(s.life(), func(b *scoreboard.Board) { out, err = runaway.Board(b).Snapshot(ctx) })
	return out, err
}

// Kill asks the life to end the request.
func (s lifeBoard) Kill(ctx context.Context, r runaway.Request) error {
	err := runaway.ErrGone
	s.boards.of(s.life(), func(b *scoreboard.Board) { err = runaway.Board(b).Kill(ctx, r) })
	return err
}

// builtinProbes is what is asked of the built-in proxy where the file asks
// nothing: its status page, over the socket that its clients use.
func builtinProbes(listeners []*supervisor.Listener, statusPath string) []watchdog.ProbeConfig {
	if len(listeners) == 0 || statusPath == "" {
		return nil
	}
	addr, ok := listeners[0].Addr().(*net.TCPAddr)
	if !ok {
		return nil
	}
	url := fmt.Sprintf("http://%s%s?auto", probeHost(addr), statusPath)
	live := config.Default[watchdog.ProbeConfig]()
	live.Name, live.Role, live.URL = "liveness", watchdog.Liveness, url
	ready := config.Default[watchdog.ProbeConfig]()
	ready.Name, ready.Role, ready.URL = "readiness", watchdog.Readiness, url
	ready.Fall = 1
	return []watchdog.ProbeConfig{live, ready}
}

// probeHost is the address to ask for a socket that may be bound to all.
func probeHost(a *net.TCPAddr) string {
	ip := a.IP
	if len(ip) == 0 || ip.IsUnspecified() {
		ip = net.IPv4(127, 0, 0, 1)
	}
	return net.JoinHostPort(ip.String(), fmt.Sprint(a.Port))
}
