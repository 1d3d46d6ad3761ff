package supervisor

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestListenInUseNamesAddressAndHolder(t *testing.T) {
	l, err := Listen(ListenConfig{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = Listen(ListenConfig{Address: l.Addr().String()})
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), l.Addr().String()) || !strings.Contains(err.Error(), fmt.Sprintf("(pid %d)", os.Getpid())) {
		t.Errorf("error %v", err)
	}
}

// What is passed to a child stays non-blocking, and our own poller does not
// hear of the connections that are the child's.
func TestListenerIsLeftAlone(t *testing.T) {
	l, err := Listen(ListenConfig{Address: ":0"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fd := l.File().Fd()
	flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
	if err != nil || flags&unix.O_NONBLOCK == 0 {
		t.Errorf("flags %#x, %v", flags, err)
	}
	if v, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || v != 1 {
		t.Errorf("listening: %d, %v", v, err)
	}
	infos, err := filepath.Glob("/proc/self/fdinfo/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		text, _ := os.ReadFile(info)
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "tfd:" && f[1] == strconv.Itoa(int(fd)) {
				t.Errorf("%s watches the listener: %s", info, line)
			}
		}
	}
	for _, host := range []string{"127.0.0.1", "::1"} {
		addr := net.JoinHostPort(host, portOf(l))
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Errorf("all addresses include %s: %v", addr, err)
			continue
		}
		conn.Close()
	}
}

func portOf(l *Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func TestListenUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	first, err := Listen(ListenConfig{Address: "unix:" + path})
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o660 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	if _, err := Listen(ListenConfig{Address: "unix:" + path}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a live socket: %v", err)
	}
	first.File().Close() // as a reeve that was killed leaves it
	second, err := Listen(ListenConfig{Address: "unix:" + path})
	if err != nil {
		t.Fatalf("a dead socket: %v", err)
	}
	if conn, err := net.Dial("unix", path); err != nil {
		t.Error(err)
	} else {
		conn.Close()
	}
	first.Close() // does not remove what is not its own
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	second.Close()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the path is left: %v", err)
	}
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(ListenConfig{Address: "unix:" + path}); err == nil || !strings.Contains(err.Error(), "not a socket") {
		t.Errorf("a file: %v", err)
	}
}

func TestListenInodes(t *testing.T) {
	table := `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1
   1: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 222 1
   2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1
   garbage
`
	got := map[string]bool{}
	listenInodes(table, 8080, got)
	if len(got) != 1 || !got["111"] {
		t.Errorf("%v", got)
	}
}

func TestParseStat(t *testing.T) {
	st, ok := parseStat([]byte("42 (a) b (c)) Z 7 41 41 0 -1 4194560 0 0 0 0 1 2 3 4 20 0 1 0 987654 0 0"))
	if want := (procStat{state: 'Z', parent: 7, group: 41, start: 987654}); !ok || st != want {
		t.Errorf("%+v, %v", st, ok)
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("42 (a) b (c)) Z 7 41 41 0 -1 4194560 0 0 0 0 1 2 3 4 20 0 1 0 987654 0 0"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if st, ok := parseStat(text); !ok && st != (procStat{}) {
			t.Errorf("%+v", st)
		}
	})
}

// A word counts by where it comes from, however deep.
func TestDescends(t *testing.T) {
	self := os.Getpid()
	if !descends(self, self) || !descends(self, os.Getppid()) {
		t.Error("a process is not of its parent's tree")
	}
	if descends(os.Getppid(), self) || descends(1<<30, self) {
		t.Error("a stranger is of the tree")
	}
}
