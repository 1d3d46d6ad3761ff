// Package testproc lets a test binary play the programs that its tests start,
// and says what a test does about a program that the machine lacks.
//
// A package that needs child processes has, in one file:
//
//	func TestMain(m *testing.M) {
//		testproc.Main(m, testproc.Roles{
//			"ignore-term": ignoreTerm,
//		})
//	}
//
// and a test starts exec.Command(testproc.Self(), ...) with Env from
// testproc.Env("ignore-term"). No shell, no sleeps: a role tells what it did on
// a pipe or on its standard output.
package testproc

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// roleVar names the role that a re-executed test binary plays.
const roleVar = "REEVE_TEST_ROLE"

// Roles maps a role's name to its program; the result is the exit code.
type Roles map[string]func() int

// Main plays a role where the environment asks for one, and runs the tests
// otherwise. It does not return.
func Main(m *testing.M, roles Roles) {
	if name, ok := os.LookupEnv(roleVar); ok {
		role, ok := roles[name]
		if !ok {
			fmt.Fprintf(os.Stderr, "testproc: no role %q\n", name)
			os.Exit(125)
		}
		// A role's own children are not roles unless it says so.
		os.Unsetenv(roleVar)
		os.Exit(role())
	}
	os.Exit(m.Run())
}

// Self is the path of the running test binary.
func Self() string {
	path, err := os.Executable()
	if err != nil {
		panic(fmt.Sprintf("testproc: find own binary: %v", err))
	}
	return path
}

// Env is the variable that makes a re-executed test binary play the role.
func Env(role string) string { return roleVar + "=" + role }

// Command returns a command that plays the role, with the test's environment
// and args after the program's name.
func Command(role string, args ...string) *exec.Cmd {
	cmd := exec.Command(Self(), args...)
	cmd.Env = append(os.Environ(), Env(role))
	return cmd
}

// Need returns the path of a program that the test needs. Where the machine
// lacks it the test is skipped, or fails under REEVE_TEST_REQUIRE=all, which is
// how .ci/run makes sure that nothing is skipped there.
func Need(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		Lack(t, fmt.Sprintf("needs %s, which is not installed", program))
	}
	return path
}

// NeedRoot skips (or fails, see Need) a test that must run as root.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Lack(t, "needs root")
	}
}

// Lack skips the test with the reason, or fails it under REEVE_TEST_REQUIRE=all.
func Lack(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("REEVE_TEST_REQUIRE") == "all" {
		t.Fatalf("%s, and REEVE_TEST_REQUIRE=all", reason)
	}
	t.Skip(reason)
}
