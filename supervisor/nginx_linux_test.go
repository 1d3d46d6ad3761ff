package supervisor

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/testproc"
)

// nginxConf writes a configuration and returns its path and the address.
func nginxConf(t *testing.T, daemon string) (conf, addr string) {
	t.Helper()
	dir := t.TempDir()
	l, err := net.Listen("tcp", testproc.Loopback()+":0")
	if err != nil {
		t.Fatal(err)
	}
	addr = l.Addr().String()
	l.Close()
	conf = filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(`daemon %s; pid %s/pid; error_log %s/error.log; worker_processes 2;
events {} http { access_log off; client_body_temp_path %s; proxy_temp_path %s; fastcgi_temp_path %s; uwsgi_temp_path %s; scgi_temp_path %s;
server { listen %s; location / { return 200 "hello"; } } }`, daemon, dir, dir, dir, dir, dir, dir, dir, addr)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return conf, addr
}

func serves(addr string) bool {
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get("http://" + addr + "/")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// The workers of a master that was killed hold the port. They are gone before
// the next life, so that it can bind.
func TestRealNginxMasterKilled(t *testing.T) {
	program := testproc.Need(t, "nginx")
	conf, addr := nginxConf(t, "off")
	b := supervise(t, "", func(o *Options) { o.Argv, o.Env = []string{program, "-c", conf}, nil })
	first := await[event.ChildLaunched](b, nil)
	until(t, "nginx serves", func() bool { return serves(addr) })
	syscall.Kill(first.PID, syscall.SIGKILL)
	died := await[event.ChildDied](b, nil)
	if died.Left == 0 || died.Status != "signal KILL" {
		t.Errorf("%+v, want workers left behind", died)
	}
	await(b, func(e event.ChildLaunched) bool { return e.Life == 2 })
	until(t, "nginx serves again", func() bool { return serves(addr) })
	if err := b.Signal(syscall.SIGHUP); err != nil {
		t.Error(err)
	}
	until(t, "nginx serves after a reload", func() bool { return serves(addr) })
	b.Stop("test")
	if err := b.ends(); err != nil {
		t.Fatal(err)
	}
	if n := len(event.Of[event.ChildDied](b.events)); n != 1 {
		t.Errorf("%d deaths, want the one by KILL", n)
	}
	if st := event.Of[event.ChildStopped](b.events); len(st) != 1 || st[0].Status != "exit 0" {
		t.Errorf("stopped: %+v", st)
	}
}

// A program that makes itself a daemon cannot be owned. It is not left running
// beside the next try, and the death tells how many it left.
func TestRealNginxThatLeaves(t *testing.T) {
	program := testproc.Need(t, "nginx")
	conf, addr := nginxConf(t, "on")
	b := supervise(t, "", func(o *Options) { o.Argv, o.Env = []string{program, "-c", conf}, nil })
	died := await[event.ChildDied](b, nil)
	if died.Left == 0 || died.Status != "exit 0" {
		t.Errorf("%+v, want a daemon left behind", died)
	}
	b.Stop("test")
	if err := b.ends(); err != nil {
		t.Fatal(err)
	}
	if serves(addr) {
		t.Error("somebody still serves")
	}
}
