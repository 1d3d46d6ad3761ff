package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// MaxPath is the longest path of a socket, in bytes.
const MaxPath = 104

const (
	maxBody   = 1 << 20          // bytes of a request
	stalled   = 10 * time.Second // a client that does not read for so long is let go
	lastWords = time.Second      // for the commands that run when the server ends
)

// Caller is the process at the other end, as the kernel knows it.
type Caller struct {
	UID int
	GID int
	PID int // 0 where the system does not tell
}

// Handler carries out one command. The result is sent as JSON; nil is an empty
// object. An *Error sets the status of the answer, any other error is 500.
type Handler func(ctx context.Context, by Caller, r *http.Request) (any, error)

// StreamHandler carries out a command whose answer has no known end. Each send
// is one line of JSON; one goroutine sends. It returns when ctx ends or send
// fails.
type StreamHandler func(ctx context.Context, by Caller, r *http.Request, send func(any) error) error

// Server serves commands on a unix socket. Register them, then Run.
type Server struct {
	// Path of the socket, at most MaxPath bytes.
	Path string

	once     sync.Once
	mux      *http.ServeMux
	listener *net.UnixListener
}

func (s *Server) routes() *http.ServeMux {
	s.once.Do(func() {
		s.mux = http.NewServeMux()
		s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			refuse(w, &Error{http.StatusNotFound, fmt.Sprintf("this reeve does not know %s %s", r.Method, r.URL.Path)})
		})
	})
	return s.mux
}

// Handle registers a command. The path may have wildcards as http.ServeMux
// knows them. It panics on a method and path that are taken.
func (s *Server) Handle(method, path string, h Handler) {
	s.routes().Handle(method+" "+path, s.serve(func(w http.ResponseWriter, r *http.Request, by Caller) {
		out, err := h(r.Context(), by, r)
		if err != nil {
			refuse(w, err)
			return
		}
		answer(w, out)
	}))
}

// HandleStream registers a command whose answer is a stream. It panics as
// Handle does.
func (s *Server) HandleStream(method, path string, h StreamHandler) {
	s.routes().Handle(method+" "+path, s.serve(func(w http.ResponseWriter, r *http.Request, by Caller) {
		stream(w, r, by, h)
	}))
}

// serve is what all commands share: the caller, the size of the request, and
// that a panic ends the command only.
func (s *Server) serve(h func(http.ResponseWriter, *http.Request, Caller)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if v := recover(); v != nil {
				refuse(w, &Error{http.StatusInternalServerError, fmt.Sprintf("internal error: %s: panic: %v", r.URL.Path, v)})
			}
		}()
		by, ok := r.Context().Value(callerKey{}).(peer)
		if !ok || by.err != nil {
			refuse(w, &Error{http.StatusForbidden, fmt.Sprintf("the caller is not known: %v", by.err)})
			return
		}
		if uid := os.Geteuid(); by.UID != 0 && by.UID != uid {
			refuse(w, &Error{http.StatusForbidden, fmt.Sprintf("uid %d may not command this reeve; root and uid %d may", by.UID, uid)})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		h(w, r, by.Caller)
	})
}

// Listen binds the socket, so that a problem is known before anything runs.
// Run does it where it was not done.
func (s *Server) Listen() error {
	if len(s.Path) > MaxPath {
		return fmt.Errorf("control socket %s: path of %d bytes, limit %d: choose a shorter state folder", s.Path, len(s.Path), MaxPath)
	}
	if err := clearStale(s.Path); err != nil {
		return fmt.Errorf("control socket %s: %w", s.Path, err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: s.Path, Net: "unix"})
	if err != nil {
		return fmt.Errorf("control socket %s: %w", s.Path, inner(err))
	}
	if err := os.Chmod(s.Path, 0o600); err != nil {
		l.Close()
		return fmt.Errorf("control socket %s: %w", s.Path, inner(err))
	}
	s.listener = l
	return nil
}

// clearStale removes the socket of a reeve that is gone.
func clearStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return inner(err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("there is something else than a socket (%s): remove it", info.Mode())
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
		return errors.New("another reeve answers on it")
	}
	if !isRefused(err) {
		return fmt.Errorf("ask who is there: %w", inner(err))
	}
	return os.Remove(path)
}

// Run serves until ctx ends; then it ends the streams, gives running commands a
// second, removes the socket and returns nil. It returns an error where the
// socket cannot be had or breaks.
func (s *Server) Run(ctx context.Context) error {
	if s.listener == nil {
		if err := s.Listen(); err != nil {
			return err
		}
	}
	base, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	base = context.WithValue(base, runKey{}, ctx)
	server := &http.Server{
		Handler:           s.routes(),
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnContext:       withPeer,
		ReadHeaderTimeout: stalled,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          quiet(),
	}
	broke := make(chan error, 1) // Serve's result
	go func() { broke <- server.Serve(s.listener) }()
	select {
	case err := <-broke:
		server.Close()
		return fmt.Errorf("control socket %s: %w", s.Path, err)
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	if server.Shutdown(end) != nil {
		giveUp()
		server.Close()
	}
	<-broke
	return nil
}

func answer(w http.ResponseWriter, out any) {
	if out == nil {
		out = struct{}{}
	}
	text, err := json.Marshal(out)
	if err != nil {
		refuse(w, fmt.Errorf("encode answer: %w", err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// A client that went away is its own business.
	_, _ = w.Write(append(text, '\n'))
}
