package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// StateLock is the sole right to a state folder, until Close or death.
type StateLock struct {
	dir   string
	file  *os.File
	stale int // PID of the holder that died with the lock, or 0
}

// holder is what the lock file says. Start tells a process from a later one of
// the same PID.
type holder struct {
	PID   int       `json:"pid"`
	Start string    `json:"start"` // of the process, as the system counts; "" where it does not
	Since time.Time `json:"since"`
}

// HeldError says who holds a state folder.
type HeldError struct {
	Dir     string
	PID     int       // 0 where it is not known
	Command string    // its command line, "" where it is not known
	Since   time.Time // zero where it is not known
}

// Error names the holder.
func (e *HeldError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("state folder %s is held by another process", e.Dir)
	}
	who := fmt.Sprintf("pid %d", e.PID)
	if e.Command != "" {
		who += " (" + e.Command + ")"
	}
	return fmt.Sprintf("state folder %s is held by %s since %s", e.Dir, who, e.Since.Local().Format("2006-01-02 15:04:05 MST"))
}

// Lock takes the state folder, making it with mode 0700 where it is missing. It
// returns a *HeldError where a living process has it. The folder must be a real
// one, of our own user, and not writable by others: whoever can write to it
// could command us.
func Lock(dir string) (*StateLock, error) {
	if err := ownFolder(dir); err != nil {
		return nil, fmt.Errorf("state folder %s: %w", dir, err)
	}
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state folder %s: open lock: %w", dir, inner(err))
	}
	l := &StateLock{dir: dir, file: f}
	if err := l.take(); err != nil {
		f.Close()
		return nil, err
	}
	return l, nil
}

func ownFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		if info, lerr := os.Lstat(dir); lerr == nil && info.Mode().Type() == fs.ModeSymlink {
			return errors.New("it is a symbolic link")
		}
		return inner(err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return inner(err)
	}
	switch {
	case info.Mode().Type() == fs.ModeSymlink:
		return errors.New("it is a symbolic link")
	case !info.IsDir():
		return errors.New("it is not a folder")
	}
	if uid, ok := ownerOf(info); ok && uid != os.Geteuid() {
		return fmt.Errorf("it belongs to uid %d, and reeve runs as uid %d", uid, os.Geteuid())
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("others may write to it (mode %#o): chmod 700", info.Mode().Perm())
	}
	return nil
}

func ownerOf(info fs.FileInfo) (int, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(st.Uid), true
}

func (l *StateLock) take() error {
	err := flock(l.file, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return l.held()
	}
	if err != nil {
		return fmt.Errorf("state folder %s: lock: %w", l.dir, err)
	}
	if before, ok := l.read(); ok {
		l.stale = before.PID
	}
	return l.sign()
}

func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// held says who has it. A signature that is not of a living process is of the
// holder before: the present one is about to write its own.
func (l *StateLock) held() error {
	h, ok := l.read()
	if !ok || !alive(h) {
		return &HeldError{Dir: l.dir}
	}
	return &HeldError{Dir: l.dir, PID: h.PID, Command: commandOf(h.PID), Since: h.Since}
}

func (l *StateLock) read() (holder, bool) {
	var h holder
	text, err := io.ReadAll(io.NewSectionReader(l.file, 0, 4096))
	if err != nil || json.Unmarshal(text, &h) != nil || h.PID <= 0 {
		return holder{}, false
	}
	return h, true
}

func (l *StateLock) sign() error {
	pid := os.Getpid()
	text, err := json.Marshal(holder{PID: pid, Start: startOf(pid), Since: time.Now()})
	if err != nil {
		return fmt.Errorf("state folder %s: sign lock: %w", l.dir, err)
	}
	if err := l.file.Truncate(0); err != nil {
		return fmt.Errorf("state folder %s: sign lock: %w", l.dir, inner(err))
	}
	// A full disk must not keep reeve from running: the lock itself is the
	// kernel's, only the signature is lost.
	_, _ = l.file.WriteAt(append(text, '\n'), 0)
	return nil
}

// Dir is the folder.
func (l *StateLock) Dir() string { return l.dir }

// Stale returns the PID of a holder that died without giving the folder back,
// or 0.
func (l *StateLock) Stale() int { return l.stale }

// Close gives the folder back. The file stays: removing it would let two
// processes hold locks on two files of one name.
func (l *StateLock) Close() error {
	_ = l.file.Truncate(0) // so that the next holder does not call us dead
	return l.file.Close()
}

func alive(h holder) bool {
	if err := syscall.Kill(h.PID, 0); err != nil && !errors.Is(err, syscall.EPERM) {
		return false
	}
	return h.Start == "" || startOf(h.PID) == h.Start
}
