package control

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/reeveproxy/reeve/internal/testproc"
)

func TestMain(m *testing.M) {
	testproc.Main(m, testproc.Roles{
		"hold-lock": holdLock,
		"ask":       ask,
	})
}

// holdLock takes the lock of its first argument, says so, and holds it until
// its standard input ends. With "leave" it then exits without giving it back.
func holdLock() int {
	l, err := Lock(os.Args[1])
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("held, stale", l.Stale())
	io.Copy(io.Discard, os.Stdin)
	if len(os.Args) > 2 {
		return 0
	}
	l.Close()
	return 0
}

// ask makes one request to the socket of its first argument.
func ask() int {
	var out Caller
	if err := (&Client{Path: os.Args[1]}).Do(contextBackground(), "GET", "/whoami", nil, &out); err != nil {
		fmt.Println("refused:", err)
		return 1
	}
	fmt.Println("uid", out.UID)
	return 0
}

// child is a role that runs, and the line that it said first.
type child struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	said  string
}

func start(t *testing.T, role string, args ...string) *child {
	t.Helper()
	cmd := testproc.Command(role, args...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: cmd, stdin: in}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	c.said, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("role %s said nothing: %v", role, err)
	}
	return c
}
