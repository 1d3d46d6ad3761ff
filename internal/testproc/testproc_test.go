package testproc

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	Main(m, Roles{
		"say": func() int {
			_, again := os.LookupEnv(roleVar)
			fmt.Println(os.Args[1:], again)
			return 7
		},
	})
}

func TestARoleIsPlayedByTheTestBinary(t *testing.T) {
	cmd := Command("say", "a", "b c")
	out, err := cmd.Output()
	if cmd.ProcessState.ExitCode() != 7 {
		t.Errorf("exit %v, want the role's 7", err)
	}
	if got := string(out); got != "[a b c] false\n" {
		t.Errorf("said %q: want its arguments, and no role for its own children", got)
	}
}

func TestAnUnknownRoleIsNotARunOfTheTests(t *testing.T) {
	cmd := exec.Command(Self())
	cmd.Env = append(os.Environ(), Env("tea"))
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 125 || !strings.Contains(string(out), `no role "tea"`) {
		t.Errorf("%v: %s", err, out)
	}
}

// fake records what a helper does to its test.
type fake struct {
	testing.TB
	skipped, failed string
}

func (f *fake) Helper()                   {}
func (f *fake) Skip(args ...any)          { f.skipped = fmt.Sprint(args...) }
func (f *fake) Fatalf(s string, a ...any) { f.failed = fmt.Sprintf(s, a...); panic("test ended") }

func TestWhatIsLackingSkipsOrFails(t *testing.T) {
	t.Setenv("REEVE_TEST_REQUIRE", "")
	f := &fake{}
	Need(f, "reeve-no-such-program")
	if !strings.Contains(f.skipped, "reeve-no-such-program") || f.failed != "" {
		t.Errorf("%+v", f)
	}
	t.Setenv("REEVE_TEST_REQUIRE", "all")
	f = &fake{}
	func() {
		defer func() { recover() }()
		Need(f, "reeve-no-such-program")
	}()
	if !strings.Contains(f.failed, "REEVE_TEST_REQUIRE=all") || f.skipped != "" {
		t.Errorf("%+v", f)
	}
	if path := Need(t, "true"); path == "" {
		t.Error("no path of a program that is there")
	}
}
