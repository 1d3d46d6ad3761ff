package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/scoreboard"
	"github.com/reeveproxy/reeve/proxy"
	"github.com/spf13/cobra"
)

// proxyVerb is the built-in proxy as a process of its own. Under reeve it gets
// everything as descriptors; alone it reads a file and binds by itself.
func proxyVerb() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "proxy [-c FILE]",
		Short: "Run the built-in proxy without supervision",
		Long: "proxy is what `reeve run` starts as its child. Alone it binds the file's listen addresses\n" +
			"itself and writes its access log to standard output.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			setName("reeve-proxy")
			c, err := openChild(path)
			if err != nil {
				return err
			}
			return c.run(cmd.Context())
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", "", "configuration file, where no supervisor hands one over")
	return cmd
}

// child is the built-in proxy's process.
type child struct {
	path   string   // of the configuration, where handed is nil
	handed *os.File // the configuration as the supervisor checked it
	server *proxy.Server
	events event.Sink
	teller *event.Writer // nil without a supervisor
}

func openChild(path string) (*child, error) {
	c := &child{path: path, events: event.Discard{}}
	var err error
	if c.handed, err = inherited(envConfigFD); err != nil {
		return nil, err
	}
	f, err := c.load()
	if err != nil {
		return nil, usageError{err}
	}
	if f.Proxy.Builtin == nil {
		return nil, usageError{errors.New("the file has no section proxy.builtin")}
	}
	listeners, err := childListeners(f)
	if err != nil {
		return nil, err
	}
	board, err := childBoard(f.Proxy.Builtin.MaxRequests)
	if err != nil {
		return nil, err
	}
	if w, err := inherited(envEventsFD); err != nil {
		return nil, err
	} else if w != nil {
		c.teller = event.NewWriter(w)
		c.events = c.teller
	}
	access, err := inherited(envAccessFD)
	if err != nil {
		return nil, err
	}
	var out io.Writer = os.Stdout
	if access != nil {
		out = access
	}
	c.server, err = proxy.New(proxy.Options{
		Config: *f.Proxy.Builtin, Listeners: listeners, Board: scoreboard.NewWriter(board), Events: c.events, Access: out,
	})
	return c, err
}

func (c *child) load() (*File, error) {
	if c.handed == nil {
		f, _, err := loadFile(c.path)
		return f, err
	}
	size, err := c.handed.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("read handed configuration: %w", err)
	}
	raw := make([]byte, size)
	if _, err := c.handed.ReadAt(raw, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read handed configuration: %w", err)
	}
	f := new(File)
	return f, config.Parse("reeve.yaml", raw, f)
}

// run serves until TERM, INT or QUIT; HUP reads the configuration again.
func (c *child) run(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT)
	defer stop()
	hup := make(chan os.Signal, 1) // one that waits is as good as many
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	pipe := make(chan os.Signal, 1) // caught so that a closed stdout does not end the proxy; never read
	signal.Notify(pipe, syscall.SIGPIPE)
	defer signal.Stop(pipe)

	served := make(chan error, 1) // one result
	go func() { served <- c.server.Run(ctx) }()
	if err := proxy.NotifyReady(); err != nil {
		fmt.Fprintln(os.Stderr, "cannot tell the supervisor:", err)
	}
	for {
		select {
		case <-hup:
			c.reload()
		case <-ctx.Done():
			_ = proxy.NotifyStopping() // the supervisor sees the exit in any case
			return c.close(<-served)
		case err := <-served:
			return c.close(err)
		}
	}
}

func (c *child) close(err error) error {
	if c.teller != nil {
		err = errors.Join(err, c.teller.Close())
	}
	return err
}

func (c *child) reload() {
	f, err := c.load()
	if err == nil && f.Proxy.Builtin == nil {
		err = errors.New("the file has no section proxy.builtin")
	}
	if err == nil {
		err = c.server.Reload(*f.Proxy.Builtin)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot reload, the old configuration stays in force:", err)
		c.events.Emit(event.ConfigRefused{Error: err.Error()})
		return
	}
	fmt.Fprintln(os.Stdout, "configuration reloaded")
	c.events.Emit(event.ConfigReloaded{Changed: "proxy.builtin"})
}

// childListeners are the supervisor's sockets, or the proxy's own where it
// runs alone.
func childListeners(f *File) ([]net.Listener, error) {
	handed, err := proxy.ListenersFromEnv()
	if err != nil {
		return nil, err
	}
	var out []net.Listener
	for _, l := range handed {
		out = append(out, l.Listener)
	}
	if len(out) > 0 {
		return out, nil
	}
	for _, c := range f.Listen {
		l, err := net.Listen("tcp", c.Address)
		if err != nil {
			return nil, fmt.Errorf("cannot listen on %s: %w", c.Address, err)
		}
		out = append(out, l)
	}
	return out, nil
}

func childBoard(slots int) (*scoreboard.Board, error) {
	f, err := inherited(envScoreboardFD)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return scoreboard.Create(slots)
	}
	return scoreboard.Open(f)
}

// inherited is the descriptor that a variable names, nil where it is not set.
// It is marked to be closed on exec, and the variable is taken away.
func inherited(name string) (*os.File, error) {
	text, ok := os.LookupEnv(name)
	if !ok {
		return nil, nil
	}
	os.Unsetenv(name)
	fd, err := strconv.Atoi(text)
	if err != nil || fd < 3 {
		return nil, fmt.Errorf("%s=%q is not the number of an inherited descriptor", name, text)
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), name), nil
}
