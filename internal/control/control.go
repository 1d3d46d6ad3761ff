package control

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// MaxPath is the longest path of a socket, in bytes.
const MaxPath = 104

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
// is one line of JSON. It returns when ctx ends or send fails.
type StreamHandler func(ctx context.Context, by Caller, r *http.Request, send func(any) error) error

// Error is a refusal that the client sees.
type Error struct {
	Status  int    `json:"status"` // an HTTP status, 400 to 599
	Message string `json:"message"`
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Server serves commands on a unix socket. Register them, then Run.
type Server struct {
	// Path of the socket, at most MaxPath bytes.
	Path string
}

// Handle registers a command. It panics on a method and path that are taken.
func (s *Server) Handle(method, path string, h Handler) {}

// HandleStream registers a command whose answer is a stream.
func (s *Server) HandleStream(method, path string, h StreamHandler) {}

// Listen binds the socket, so that a problem is known before anything runs.
// Run does it where it was not done.
func (s *Server) Listen() error { return nil }

// Run serves until ctx ends; then it ends the streams, gives running commands a
// second, and returns nil. It returns an error where the socket cannot be had.
func (s *Server) Run(ctx context.Context) error { return nil }

// Client asks a running reeve.
type Client struct {
	// Path of its socket.
	Path string
}

// Do sends in as JSON (nil sends no body) and decodes the answer into out (nil
// discards it). A refusal is an *Error; nobody there is ErrUnreachable.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error { return nil }

// Stream calls each for every line of the answer until the server ends it (then
// it returns nil), each fails, or ctx ends.
func (c *Client) Stream(ctx context.Context, method, path string, in any, each func(json.RawMessage) error) error {
	return nil
}

// StateLock is the sole right to a state folder, until Close or death.
type StateLock struct{}

// Lock takes the state folder, making it with mode 0700 where it is missing. It
// returns a *HeldError where a living process has it.
func Lock(dir string) (*StateLock, error) { return nil, nil }

// Dir is the folder.
func (l *StateLock) Dir() string { return "" }

// Close gives the folder back.
func (l *StateLock) Close() error { return nil }

// HeldError says who holds a state folder.
type HeldError struct {
	Dir     string
	PID     int       // 0 where it is not known
	Command string    // its command line, "" where it is not known
	Since   time.Time // zero where it is not known
}

// Error names the holder.
func (e *HeldError) Error() string { return "" }
