package proxy

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"testing"

	"github.com/reeveproxy/reeve/internal/testproc"
)

func TestMain(m *testing.M) {
	testproc.Main(m, testproc.Roles{"inherit": playInherit})
}

// playInherit tells what it inherited. Its parent cannot know its pid, so it
// fills that in.
func playInherit() int {
	if os.Getenv("LISTEN_PID") == "self" {
		os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
	}
	in, err := ListenersFromEnv()
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	for _, l := range in {
		fmt.Println(l.Name, l.Addr())
	}
	fmt.Println("left:", os.Getenv("LISTEN_FDS")+os.Getenv("LISTEN_PID")+os.Getenv("LISTEN_FDNAMES"))
	return 0
}

func TestListenersFromEnv(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	at := l.Addr().String()
	for _, tt := range []struct {
		name  string
		env   []string
		files []*os.File
		want  string
	}{
		{"two, one named", []string{"LISTEN_FDS=2", "LISTEN_PID=self", "LISTEN_FDNAMES=web"}, []*os.File{f, f}, "web " + at + "\nunknown " + at + "\nleft: \n"},
		{"for another process", []string{"LISTEN_FDS=1", "LISTEN_PID=1"}, []*os.File{f}, "left: \n"},
		{"none", nil, nil, "left: \n"},
		{"not a number", []string{"LISTEN_FDS=x", "LISTEN_PID=self"}, nil, "error: inherit listeners: LISTEN_FDS=\"x\", want 0 to 1024\n"},
		{"too many", []string{"LISTEN_FDS=99999", "LISTEN_PID=self"}, nil, "error: inherit listeners: LISTEN_FDS=\"99999\", want 0 to 1024\n"},
	} {
		cmd := testproc.Command("inherit")
		cmd.Env = append(cmd.Env, tt.env...)
		cmd.ExtraFiles = tt.files
		out, _ := cmd.Output() // the role's exit code is in what it prints
		if string(out) != tt.want {
			t.Errorf("%s:\n%swant\n%s", tt.name, out, tt.want)
		}
	}
	cmd := testproc.Command("inherit")
	cmd.Env = append(cmd.Env, "LISTEN_FDS=1", "LISTEN_PID=self")
	cmd.ExtraFiles = []*os.File{null}
	if out, err := cmd.Output(); err == nil {
		t.Errorf("a descriptor that is no socket was taken: %s", out)
	}
}

func TestNotify(t *testing.T) {
	path := t.TempDir() + "/notify"
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	buf := make([]byte, 64)
	for want, send := range map[string]func() error{"READY=1": NotifyReady, "STOPPING=1": NotifyStopping} {
		if err := send(); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(buf)
		if err != nil || string(buf[:n]) != want {
			t.Errorf("%q, %v, want %s", buf[:n], err, want)
		}
	}
	t.Setenv("NOTIFY_SOCKET", path+"-none")
	if NotifyReady() == nil {
		t.Error("a socket that is not there gave no error")
	}
	t.Setenv("NOTIFY_SOCKET", "")
	if err := NotifyReady(); err != nil {
		t.Errorf("without a supervisor: %v", err)
	}
}
