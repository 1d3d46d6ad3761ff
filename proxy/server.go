package proxy

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/scoreboard"
	"github.com/reeveproxy/reeve/proxy/manage"
)

// Options is what a Server is made of.
type Options struct {
	Config    Config
	Listeners []net.Listener     // at least one; the Server closes them when it stops accepting
	Board     *scoreboard.Writer // where requests in flight are written; required
	Events    event.Sink         // nil discards
	Access    io.Writer          // where access lines go, in one Write for many lines; nil discards
}

// Status is what a Server tells about itself.
type Status = manage.Status

// Server is the proxy.
type Server struct{ opts Options }

// New builds a Server. The error lists all problems of the configuration.
func New(opts Options) (*Server, error) {
	if err := opts.Config.Validate(); err != nil {
		return nil, err
	}
	if opts.Board == nil || len(opts.Listeners) == 0 {
		return nil, errors.New("proxy needs a scoreboard and a listener")
	}
	return &Server{opts: opts}, nil
}

// Run serves until ctx ends; then it stops accepting, lets requests finish for
// the configured drain time, and cuts those that are left. It returns when all
// that it started has ended, and may be called once.
func (s *Server) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Reload puts another configuration in force between two requests. On an error
// nothing has changed. What is known about members stays, by pool and name.
func (s *Server) Reload(c Config) error { return c.Validate() }

// Status is the state at this moment.
func (s *Server) Status() Status { return Status{} }

// Validate returns all that is wrong with the configuration.
func (c Config) Validate() error { return nil }
