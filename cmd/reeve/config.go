package main

import (
	"cmp"
	_ "embed"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/pager"
	"github.com/reeveproxy/reeve/proxy"
	"github.com/reeveproxy/reeve/rlimit"
	"github.com/reeveproxy/reeve/rotate"
	"github.com/reeveproxy/reeve/supervisor"
	"github.com/reeveproxy/reeve/watchdog"
)

// File is reeve.yaml: what concerns reeve as a whole, and one section a room.
type File struct {
	Service    string                    `yaml:"service" default:"reeve" doc:"Name of the service in pages, metrics and archive manifests."`
	State      string                    `yaml:"state" doc:"Folder of the lock, the control socket, the spool of pages and the post-mortems. Empty: /var/lib/reeve as root, else reeve under the user's state folder."`
	Admin      AdminConfig               `yaml:"admin" doc:"Metrics, health and status over HTTP."`
	Journal    JournalConfig             `yaml:"journal" doc:"How reeve tells its events on standard error."`
	Listen     []supervisor.ListenConfig `yaml:"listen" doc:"Sockets that reeve binds and keeps, and hands to every life of the proxy."`
	Proxy      ProxyConfig               `yaml:"proxy" doc:"The child: a command, or the built-in proxy."`
	Limits     rlimit.Config             `yaml:"limits" doc:"Resource limits of the child, as soft:hard, set before exec and read back after it."`
	Supervisor supervisor.Config         `yaml:"supervisor" doc:"Restarts, deadlines and backoff."`
	Watchdog   watchdog.Config           `yaml:"watchdog" doc:"Probes, runaway requests and conditions."`
	Rotate     rotate.Config             `yaml:"rotate" doc:"Logs: where they go, when they turn and what is kept."`
	Pager      pager.Config              `yaml:"pager" doc:"Who is told."`

	limitFlags []string // --limit, over Limits
}

// AdminConfig is where metrics, health and status are served.
type AdminConfig struct {
	Listen string `yaml:"listen" default:"127.0.0.1:9180" doc:"Address of /metrics, /healthz, /readyz and /status; off for none. Keep it on loopback: it is not authenticated."`
}

// JournalConfig is how events are told.
type JournalConfig struct {
	Format string `yaml:"format" default:"text" enum:"text,json" doc:"Form of a line: text for people, json for collectors."`
}

// ProxyConfig is the child. Exactly one of Command and Builtin is set.
type ProxyConfig struct {
	Command      []string          `yaml:"command" doc:"Program and arguments of a foreign proxy, which must stay in the foreground."`
	Dir          string            `yaml:"dir" doc:"Working folder of the command; empty for reeve's own."`
	Env          map[string]string `yaml:"env" doc:"Variables added to the child's environment."`
	ReloadSignal string            `yaml:"reload_signal" default:"HUP" doc:"Signal that makes a foreign proxy read its configuration again; none if it cannot."`
	Builtin      *proxy.Config     `yaml:"builtin" doc:"The built-in proxy's configuration."`
}

// Validate checks what concerns more than one room; each room's section
// validates itself.
func (f *File) Validate() error {
	var p config.Problems
	switch {
	case len(f.Proxy.Command) > 0 && f.Proxy.Builtin != nil:
		p.Add("proxy", "command and builtin exclude each other: reeve owns one child")
	case len(f.Proxy.Command) == 0 && f.Proxy.Builtin == nil:
		p.Add("proxy", "there is no child: want command or builtin")
	case f.Proxy.Builtin != nil && len(f.Listen) == 0:
		p.Add("listen", "the built-in proxy has no address to serve on: want at least one entry")
	}
	if f.Proxy.Builtin != nil {
		p.Under("proxy.builtin", f.Proxy.Builtin.Validate())
	}
	if _, err := supervisor.ParseSignal(f.Proxy.ReloadSignal); err != nil && f.Proxy.ReloadSignal != "none" {
		p.Add("proxy.reload_signal", "%v", err)
	}
	if a := f.Admin.Listen; a != "off" {
		if _, _, err := net.SplitHostPort(a); err != nil {
			p.Add("admin.listen", "%q is not an address like 127.0.0.1:9180, or off", a)
		}
	}
	p.Under("listen", supervisor.ValidateListen(f.Listen))
	p.Under("limits", f.Limits.Validate())
	p.Under("supervisor", f.Supervisor.Validate())
	p.Under("watchdog", f.Watchdog.Validate())
	p.Under("rotate", f.Rotate.Validate())
	p.Under("pager", f.Pager.Validate())
	return p.Err()
}

// wantedLimits is the file's limits with those of the command line over them.
func (f *File) wantedLimits() (rlimit.Set, error) {
	set, err := f.Limits.Set()
	if err != nil {
		return nil, err
	}
	over, err := rlimit.ParseFlags(f.limitFlags)
	if err != nil {
		return nil, err
	}
	flags := over.Flags()
	for _, e := range set {
		if _, replaced := over.Get(e.Resource); !replaced {
			flags = append(flags, e.String())
		}
	}
	return rlimit.ParseFlags(flags)
}

// stateDir is the folder of the lock and the control socket.
func (f *File) stateDir() string { return cmp.Or(f.State, defaultStateDir()) }

// defaultStateDir is /var/lib/reeve for root, as the file hierarchy standard
// has it for a service's state, and the XDG base directory for anybody else.
func defaultStateDir() string {
	if dir := os.Getenv("REEVE_STATE"); dir != "" {
		return dir
	}
	if os.Geteuid() == 0 {
		return "/var/lib/reeve"
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "reeve")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return filepath.Join(os.TempDir(), fmt.Sprintf("reeve-%d", os.Geteuid()))
	}
	return filepath.Join(home, ".local", "state", "reeve")
}

// embedded is the configuration of a start without a file: the built-in proxy
// over three sample members, all on loopback.
//
//go:embed default.yaml
var embedded []byte

// stateLine is the key state at the top level of a file.
var stateLine = regexp.MustCompile(`(?m)^state:[ \t]*["']?([^"'#\r\n]*?)["']?[ \t]*(?:#.*)?$`)

// stateOf is the state folder that a file names. It does not mind the rest of
// the file: one that is broken must not keep an operator from the reeve that
// still runs with the version before.
func stateOf(path string) (string, error) {
	raw, err := config.ReadFile(path)
	if err != nil {
		return "", err
	}
	f := new(File)
	if config.Parse(path, raw, f) != nil {
		if m := stateLine.FindSubmatch(raw); m != nil {
			f.State = string(m[1])
		}
	}
	return f.stateDir(), nil
}

// loadFor is the configuration of a run: of the file, or of a command that is
// given without one.
func loadFor(path string, command []string) (*File, []byte, error) {
	if len(command) == 0 {
		return loadFile(path)
	}
	if path != "" {
		return nil, nil, fmt.Errorf("both %s and a command after -- name the child: give one of them", path)
	}
	f := config.Default[File]()
	f.Proxy.Command = command
	return &f, nil, nil
}

// loadFile reads and checks a configuration; an empty path is the embedded
// one. It also returns the bytes, which the built-in proxy is given, so that
// supervisor and proxy never read two versions.
func loadFile(path string) (*File, []byte, error) {
	f := new(File)
	data := embedded
	name := "default.yaml"
	if path != "" {
		var err error
		if data, err = config.ReadFile(path); err != nil {
			return nil, nil, err
		}
		name = path
	}
	if err := config.Parse(name, data, f); err != nil {
		return nil, nil, err
	}
	return f, data, nil
}
