package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/reeveproxy/reeve/internal/testproc"
)

func contextBackground() context.Context { return context.Background() }

// serve runs a server in a folder of its own and returns a client of it.
func serve(t *testing.T, register func(*Server)) *Client {
	t.Helper()
	s := &Server{Path: filepath.Join(t.TempDir(), "control.sock")}
	register(s)
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1) // Run's result
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(s.Path); err == nil {
			t.Error("the socket was left behind")
		}
	})
	return &Client{Path: s.Path}
}

type order struct {
	Name string `json:"name"`
}

func register(s *Server) {
	s.Handle("GET", "/whoami", func(_ context.Context, by Caller, _ *http.Request) (any, error) { return by, nil })
	s.Handle("POST", "/echo/{id}", func(_ context.Context, _ Caller, r *http.Request) (any, error) {
		var in order
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			return nil, &Error{http.StatusBadRequest, err.Error()}
		}
		return order{in.Name + " " + r.PathValue("id")}, nil
	})
	s.Handle("POST", "/nothing", func(context.Context, Caller, *http.Request) (any, error) { return nil, nil })
	s.Handle("POST", "/conflict", func(context.Context, Caller, *http.Request) (any, error) {
		return nil, fmt.Errorf("restart: %w", &Error{http.StatusConflict, "already stopping"})
	})
	s.Handle("POST", "/broken", func(context.Context, Caller, *http.Request) (any, error) { return nil, errors.New("disk on fire") })
	s.Handle("POST", "/strange", func(context.Context, Caller, *http.Request) (any, error) { return nil, &Error{200, "odd"} })
	s.Handle("POST", "/unprintable", func(context.Context, Caller, *http.Request) (any, error) { return func() {}, nil })
	s.Handle("POST", "/panic", func(context.Context, Caller, *http.Request) (any, error) { panic("boom") })
}

func TestCommandsAndTheirCaller(t *testing.T) {
	c := serve(t, register)
	var by Caller
	if err := c.Do(t.Context(), "GET", "/whoami", nil, &by); err != nil {
		t.Fatal(err)
	}
	if by.UID != os.Getuid() || by.GID != os.Getgid() || by.PID != os.Getpid() {
		t.Errorf("caller %+v", by)
	}
	var out order
	if err := c.Do(t.Context(), "POST", "/echo/7", order{"log"}, &out); err != nil || out.Name != "log 7" {
		t.Errorf("echo: %+v %v", out, err)
	}
	if err := c.Do(t.Context(), "POST", "/nothing", nil, nil); err != nil {
		t.Error(err)
	}
	info, err := os.Stat(c.Path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v %v", info.Mode(), err)
	}
}

func TestRefusalsKeepStatusAndMessage(t *testing.T) {
	c := serve(t, register)
	for _, tt := range []struct {
		method, path string
		status       int
		message      string
	}{
		{"POST", "/conflict", 409, "already stopping"},
		{"POST", "/broken", 500, "disk on fire"},
		{"POST", "/strange", 500, "odd"},
		{"POST", "/unprintable", 500, "encode answer"},
		{"POST", "/panic", 500, "panic: boom"},
		{"GET", "/tea", 404, "does not know GET /tea"},
		{"GET", "/broken", 404, "does not know GET /broken"},
		{"POST", "/echo/1", 400, "EOF"},
	} {
		err := c.Do(t.Context(), tt.method, tt.path, nil, nil)
		var e *Error
		if !errors.As(err, &e) || e.Status != tt.status || !strings.Contains(e.Message, tt.message) {
			t.Errorf("%s %s: %v, want %d %q", tt.method, tt.path, err, tt.status, tt.message)
		}
	}
	big := order{strings.Repeat("x", maxBody)}
	if err := c.Do(t.Context(), "POST", "/echo/1", big, nil); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("a request over the limit: %v", err)
	}
}

func TestAnotherUserIsRefused(t *testing.T) {
	testproc.NeedRoot(t)
	c := serve(t, register)
	// Open every other fence, so that only the peer's credentials are left.
	for dir := filepath.Dir(c.Path); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		os.Chmod(dir, 0o755)
	}
	os.Chmod(c.Path, 0o666)
	exe := filepath.Join(filepath.Dir(c.Path), "asker")
	if err := os.Link(testproc.Self(), exe); err != nil {
		text, rerr := os.ReadFile(testproc.Self())
		if rerr != nil || os.WriteFile(exe, text, 0o755) != nil {
			t.Fatal(err, rerr)
		}
	}
	cmd := testproc.Command("ask", c.Path)
	cmd.Path, cmd.Dir = exe, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "uid 65534 may not command this reeve") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestStreams(t *testing.T) {
	c := serve(t, func(s *Server) {
		s.HandleStream("GET", "/three", func(_ context.Context, _ Caller, _ *http.Request, send func(any) error) error {
			for i := range 3 {
				if err := send(i); err != nil {
					return err
				}
			}
			return nil
		})
		s.HandleStream("GET", "/none", func(context.Context, Caller, *http.Request, func(any) error) error { return nil })
		s.HandleStream("GET", "/refused", func(context.Context, Caller, *http.Request, func(any) error) error {
			return &Error{http.StatusGone, "no such life"}
		})
		s.HandleStream("GET", "/breaks", func(_ context.Context, _ Caller, _ *http.Request, send func(any) error) error {
			send("one")
			return errors.New("broke\nlater")
		})
	})
	read := func(path string) (got []string, err error) {
		err = c.Stream(t.Context(), "GET", path, nil, func(m json.RawMessage) error {
			got = append(got, strings.TrimSpace(string(m)))
			return nil
		})
		return got, err
	}
	if got, err := read("/three"); err != nil || fmt.Sprint(got) != "[0 1 2]" {
		t.Errorf("three: %v %v", got, err)
	}
	if got, err := read("/none"); err != nil || len(got) != 0 {
		t.Errorf("none: %v %v", got, err)
	}
	var e *Error
	if _, err := read("/refused"); !errors.As(err, &e) || e.Status != http.StatusGone {
		t.Errorf("refused: %v", err)
	}
	if got, err := read("/breaks"); len(got) != 1 || err == nil || err.Error() != "broke later" {
		t.Errorf("breaks: %v %v", got, err)
	}
	stop := errors.New("enough")
	if err := c.Stream(t.Context(), "GET", "/three", nil, func(json.RawMessage) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("stopped by the client: %v", err)
	}
}

func TestAnEndlessStreamEndsWithEitherSide(t *testing.T) {
	ended := make(chan struct{}, 2) // one for each stream of this test
	endless := func(s *Server) {
		s.HandleStream("GET", "/events", func(ctx context.Context, _ Caller, _ *http.Request, send func(any) error) error {
			defer func() { ended <- struct{}{} }()
			if err := send("first"); err != nil {
				return err
			}
			<-ctx.Done()
			return ctx.Err()
		})
	}
	s := &Server{Path: filepath.Join(t.TempDir(), "control.sock")}
	endless(s)
	running, stop := context.WithCancel(t.Context())
	defer stop()
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1) // Run's result
	go func() { done <- s.Run(running) }()
	c := &Client{Path: s.Path}

	ctx, leave := context.WithCancel(t.Context())
	err := c.Stream(ctx, "GET", "/events", nil, func(json.RawMessage) error { leave(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("client left: %v", err)
	}
	<-ended
	err = c.Stream(t.Context(), "GET", "/events", nil, func(json.RawMessage) error { stop(); return nil })
	if err != nil {
		t.Errorf("server ended: %v", err)
	}
	<-ended
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestNobodyThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	err := (&Client{Path: path}).Do(t.Context(), "GET", "/status", nil, nil)
	if want := "cannot reach reeve at " + path + ": is it running?"; !errors.Is(err, ErrUnreachable) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	leaveStale(t, path)
	if err := (&Client{Path: path}).Do(t.Context(), "GET", "/", nil, nil); !errors.Is(err, ErrUnreachable) {
		t.Errorf("stale socket: %v", err)
	}
}

// leaveStale makes the socket file of a process that is gone.
func leaveStale(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

func TestOnlyAStaleSocketIsReplaced(t *testing.T) {
	c := serve(t, register)
	if err := (&Server{Path: c.Path}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "another reeve answers") {
		t.Errorf("a living socket: %v", err)
	}
	if err := c.Do(t.Context(), "POST", "/nothing", nil, nil); err != nil {
		t.Errorf("the first server was disturbed: %v", err)
	}
	stale := filepath.Join(t.TempDir(), "control.sock")
	leaveStale(t, stale)
	s := &Server{Path: stale}
	if err := s.Listen(); err != nil {
		t.Errorf("a stale socket: %v", err)
	} else {
		s.listener.Close()
	}
	file := filepath.Join(t.TempDir(), "control.sock")
	os.WriteFile(file, []byte("precious"), 0o600)
	if err := (&Server{Path: file}).Listen(); err == nil || !strings.Contains(err.Error(), "something else than a socket") {
		t.Errorf("a file: %v", err)
	}
	if text, _ := os.ReadFile(file); string(text) != "precious" {
		t.Error("the file was touched")
	}
}

func TestALongPathIsRefusedWithTheLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), strings.Repeat("x", MaxPath), "control.sock")
	err := (&Server{Path: path}).Listen()
	if err == nil || !strings.Contains(err.Error(), "limit 104") {
		t.Errorf("server: %v", err)
	}
	if err := (&Client{Path: path}).Do(t.Context(), "GET", "/", nil, nil); err == nil || !strings.Contains(err.Error(), "limit 104") {
		t.Errorf("client: %v", err)
	}
}
