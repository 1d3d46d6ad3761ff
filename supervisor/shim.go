package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

const (
	// execFDVar numbers the pipe on which a shim says why it could not become
	// its program; end of file without a word means that it did.
	execFDVar = "REEVE_EXEC_FD"
	// execParentVar is the process without which the child must not live.
	execParentVar = "REEVE_EXEC_PARENT"
)

// ExecError is why a process could not become its program.
type ExecError struct {
	Code int // exit code of a shell in that case: 127 not found, 126 otherwise
	Err  error
}

// Error is the cause's text.
func (e *ExecError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *ExecError) Unwrap() error { return e.Err }

func execError(act string, err error) *ExecError { return shellError(fmt.Errorf("%s: %w", act, err)) }

// shellError gives an error the exit code that a shell would.
func shellError(err error) *ExecError {
	e := &ExecError{Code: 126, Err: err}
	if errors.Is(err, fs.ErrNotExist) {
		e.Code = 127
	}
	return e
}

// Shim is the second half of a launch: it runs in the new process, prepares it
// and becomes argv. It returns only on failure, with an *ExecError whose Code
// the process must exit with; the supervisor was told already. become makes this
// thread the program, under whatever the program is to inherit (limits), and
// returns only why it could not; nil is a plain exec. A nil env is the process's
// own.
func Shim(argv, env []string, become func(path string, argv, env []string) error) error {
	if env == nil {
		env = os.Environ()
	}
	report := reportTo(lookup(env, execFDVar))
	// The wish to die with the parent belongs to the thread that execs.
	runtime.LockOSThread()
	if become == nil {
		become = func(path string, argv, env []string) error {
			return fmt.Errorf("exec %s: %w", path, syscall.Exec(path, argv, env))
		}
	}
	err := shim(argv, env, become)
	if report != nil {
		fmt.Fprintf(report, "%d %v", err.Code, err)
		report.Close()
	}
	return err
}

func shim(argv, env []string, become func(string, []string, []string) error) *ExecError {
	if len(argv) == 0 {
		return &ExecError{Code: 127, Err: errors.New("no command given")}
	}
	path, err := lookPath(argv[0], lookup(env, "PATH"))
	if err != nil {
		return execError("find "+argv[0], err)
	}
	if parent := lookup(env, execParentVar); parent != "" {
		if err := dieWith(parent); err != nil {
			return execError("tie to the supervisor", err)
		}
	}
	env = shimEnv(env, os.Getpid())
	return shellError(become(path, argv, env))
}

// shimEnv is the program's environment: without our own words, and with the
// pid that could not be known before there was one.
func shimEnv(env []string, pid int) []string {
	out := make([]string, 0, len(env))
	for _, e := range env {
		switch name, _, _ := strings.Cut(e, "="); name {
		case execFDVar, execParentVar:
			continue
		case "LISTEN_PID", "WATCHDOG_PID":
			e = name + "=" + strconv.Itoa(pid)
		}
		out = append(out, e)
	}
	return out
}

// reportTo returns the pipe to the supervisor; nil where there is none.
func reportTo(fd string) *os.File {
	n, err := strconv.Atoi(fd)
	if err != nil || n < 3 {
		return nil
	}
	syscall.CloseOnExec(n)
	return os.NewFile(uintptr(n), "report")
}

// lookup returns the value of the last such variable, which is the one that
// counts.
func lookup(env []string, name string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if n, v, ok := strings.Cut(env[i], "="); ok && n == name {
			return v
		}
	}
	return ""
}

// lookPath finds a program as execvp does, in the PATH that the program itself
// will have. The error of a program that exists says why it cannot be run.
func lookPath(file, pathVar string) (string, error) {
	if strings.Contains(file, "/") {
		return file, executable(file)
	}
	if pathVar == "" {
		pathVar = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	}
	refused := error(nil)
	for _, dir := range filepath.SplitList(pathVar) {
		if dir == "" {
			dir = "."
		}
		path := filepath.Join(dir, file)
		err := executable(path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, fs.ErrNotExist) && refused == nil {
			refused = err
		}
	}
	if refused != nil {
		return "", refused
	}
	return "", fmt.Errorf("not found in PATH %s: %w", pathVar, fs.ErrNotExist)
}

func executable(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	if st.IsDir() {
		return &fs.PathError{Op: "exec", Path: path, Err: syscall.EISDIR}
	}
	if st.Mode()&0o111 == 0 {
		return &fs.PathError{Op: "exec", Path: path, Err: syscall.EACCES}
	}
	return nil
}
