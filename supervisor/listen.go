package supervisor

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/reeveproxy/reeve/internal/config"
)

// ListenConfig is an entry of the section "listen" of the file.
type ListenConfig struct {
	Name    string `yaml:"name" default:"" doc:"Name under which the child finds the socket in LISTEN_FDNAMES; empty is the address with dashes for colons."`
	Address string `yaml:"address" default:"" doc:"host:port, :port for all addresses, or unix:/path."`
	Backlog int    `yaml:"backlog" default:"4096" min:"1" doc:"Connections that may wait while no child accepts; the kernel caps it at net.core.somaxconn."`
}

// maxName is the limit that the protocol sets to a socket's name.
const maxName = 255

// Validate reports what the tags cannot say.
func (c ListenConfig) Validate() error {
	var p config.Problems
	if err := checkName(c.Name); c.Name != "" && err != nil {
		p.Add("name", "%v", err)
	}
	if err := checkAddress(c.Address); err != nil {
		p.Add("address", "%v", err)
	}
	return p.Err()
}

// ValidateListen checks a whole list: each entry, and that no two have the same
// name or address.
func ValidateListen(list []ListenConfig) error {
	var p config.Problems
	names, addresses := map[string]int{}, map[string]int{}
	for i, c := range list {
		p.Under(config.Index("", i), c.Validate())
		if j, ok := names[c.name()]; ok {
			p.Add(config.Join(config.Index("", i), "name"), "%q is the name of entry %d too", c.name(), j)
		}
		if j, ok := addresses[c.Address]; ok {
			p.Add(config.Join(config.Index("", i), "address"), "%q is the address of entry %d too", c.Address, j)
		}
		names[c.name()], addresses[c.Address] = i, i
	}
	return p.Err()
}

func (c ListenConfig) name() string {
	if c.Name != "" {
		return c.Name
	}
	name := strings.ReplaceAll(c.Address, ":", "-")
	return name[:min(len(name), maxName)]
}

func checkName(name string) error {
	if len(name) > maxName {
		return fmt.Errorf("is %d bytes long, limit %d", len(name), maxName)
	}
	for _, r := range name {
		if r == ':' || r <= ' ' || r >= 0x7f {
			return fmt.Errorf("%q contains %q, want printable ASCII without colons and blanks", name, r)
		}
	}
	return nil
}

func checkAddress(address string) error {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		if !strings.HasPrefix(path, "/") {
			return fmt.Errorf("%q: want unix: and an absolute path", address)
		}
		if len(path) > maxUnixPath {
			return fmt.Errorf("%q: the path is %d bytes long, limit %d", address, len(path), maxUnixPath)
		}
		return nil
	}
	if address == "" {
		return errors.New("is missing, want host:port or unix:/path")
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q: want host:port or unix:/path", address)
	}
	if _, err := net.LookupPort("tcp", port); err != nil || port == "" {
		return fmt.Errorf("%q: %q is not a port", address, port)
	}
	return nil
}

// maxUnixPath is what fits a socket address on all systems.
const maxUnixPath = 103

// Listener is a listening socket that outlives the child.
type Listener struct {
	name string
	file *os.File
	addr net.Addr
	// path and its identity, of a unix socket: only what we made is removed.
	path string
	made os.FileInfo
}

// Listen binds and listens. An address in use is an error that names the
// address and, where it can be found, its holder. The path of a dead unix
// socket is taken over; a live one is refused. A unix socket gets mode 0660.
func Listen(c ListenConfig) (*Listener, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", c.Address, err)
	}
	if c.Backlog <= 0 {
		c.Backlog = config.Default[ListenConfig]().Backlog
	}
	var l *Listener
	var err error
	if path, ok := strings.CutPrefix(c.Address, "unix:"); ok {
		l, err = listenUnix(path, c.Backlog)
	} else {
		l, err = listenTCP(c.Address, c.Backlog)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", c.Address, err)
	}
	l.name = c.name()
	return l, nil
}

// Name is the socket's name in LISTEN_FDNAMES.
func (l *Listener) Name() string { return l.name }

// Addr is the address with the real port.
func (l *Listener) Addr() net.Addr { return l.addr }

// File is the socket itself, not a copy; it must not be closed by the caller.
func (l *Listener) File() *os.File { return l.file }

// Close closes the socket and removes the path of a unix socket, if it is
// still ours. Connections that wait in the backlog are lost unless a child
// still has the socket.
func (l *Listener) Close() error {
	if l.path != "" {
		// The time too: an inode's number may be given to the next file.
		if now, err := os.Lstat(l.path); err == nil && os.SameFile(now, l.made) && now.ModTime().Equal(l.made.ModTime()) {
			os.Remove(l.path)
		}
	}
	return l.file.Close()
}

// clearPath makes way for a unix socket where a dead one stands.
func clearPath(path string) error {
	st, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if st.Mode().Type() != os.ModeSocket {
		return fmt.Errorf("%s exists and is not a socket", path)
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close()
		return errors.New("address already in use: somebody answers there")
	}
	if !isRefused(err) {
		return fmt.Errorf("address already in use: %w", err)
	}
	return os.Remove(path)
}
