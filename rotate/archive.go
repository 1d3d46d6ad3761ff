package rotate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"gopkg.in/natefinch/lumberjack.v2"
)

// logMode is the mode of live files and archives: the group may read.
const logMode = 0o640

// jack is what is used of lumberjack.
type jack interface {
	Write([]byte) (int, error)
	Rotate() error
	Close() error
}

// newJack returns lumberjack with everything off but the file itself. Its size
// limit is beyond reach (in MiB, and below what would overflow), because it
// refuses writes that are larger; its retention and compression are off,
// because they follow symlinks and tell nobody. Each one owns a goroutine that
// never ends, so there is one for each path for the life of the process.
func newJack(path string) jack {
	return &lumberjack.Logger{Filename: path, MaxSize: 1 << 42}
}

// live is the file that a log is written to. One goroutine owns it.
type live struct {
	path string
	dir  string
	stem string
	jack jack
	step func(string) // tells a test which step of a rotation was done; may be nil

	open bool
	id   fileID
	size int64
	last stamp
}

func newLive(path string) *live {
	return &live{path: path, dir: filepath.Dir(path), stem: stem(path), jack: newJack(path)}
}

func (f *live) did(step string) {
	if f.step != nil {
		f.step(step)
	}
}

// ensure opens the file where it is not open. It creates the file itself, and
// refuses to open what a stranger may have put there, because lumberjack would
// follow a symlink, wait for a fifo, and open a file that it created without
// O_APPEND.
func (f *live) ensure() error {
	if f.open {
		return nil
	}
	if err := f.create(); err != nil {
		return err
	}
	if _, err := checkOwn(f.path); err != nil {
		return err
	}
	if _, err := f.jack.Write(nil); err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	info, err := checkOwn(f.path)
	if err != nil {
		f.jack.Close()
		return err
	}
	f.open, f.id, f.size = true, idOf(info), info.Size()
	return nil
}

func (f *live) create() error {
	flags := os.O_CREATE | os.O_EXCL | os.O_WRONLY | os.O_APPEND | syscall.O_NOFOLLOW
	file, err := os.OpenFile(f.path, flags, logMode)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(f.dir, dirMode); err != nil {
			return fmt.Errorf("make log folder: %w", err)
		}
		file, err = os.OpenFile(f.path, flags, logMode)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create log: %w", err)
	}
	// The umask took bits away; the mode is a promise.
	err = errors.Join(file.Chmod(logMode), file.Close())
	if err != nil {
		return fmt.Errorf("create log: %w", err)
	}
	return nil
}

// foreign says why what is at the log's path is not ours to write to. No space
// would help, and nothing may be deleted for it.
type foreign string

func (e foreign) Error() string { return string(e) }

func isForeign(err error) bool {
	_, ok := errors.AsType[foreign](err)
	return ok
}

// checkOwn refuses a file that is not plainly ours with a foreign: a symlink, a
// device, one with a second name, or one of another owner.
func checkOwn(path string) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("look at log: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, foreign(fmt.Sprintf("log %s is %s, not a plain file", path, fileSort(info.Mode())))
	}
	if n := linksOf(info); n != 1 {
		return nil, foreign(fmt.Sprintf("log %s has %d names (hard links), want 1", path, n))
	}
	if uid := ownerOf(info); uid != os.Geteuid() {
		return nil, foreign(fmt.Sprintf("log %s belongs to uid %d, and reeve runs as uid %d", path, uid, os.Geteuid()))
	}
	return info, nil
}

func fileSort(m fs.FileMode) string {
	switch {
	case m&fs.ModeSymlink != 0:
		return "a symlink"
	case m.IsDir():
		return "a folder"
	case m&fs.ModeNamedPipe != 0:
		return "a fifo"
	default:
		return "a special file"
	}
}

// write appends p and returns how much of it is in the file.
func (f *live) write(p []byte) (int, error) {
	if err := f.ensure(); err != nil {
		return 0, err
	}
	n, err := f.jack.Write(p)
	f.size += int64(n)
	return n, err
}

// check looks whether the file is still the one that is written to, and says
// what happened to it otherwise: "removed", "replaced" or "truncated". After
// the first two the next write opens the path anew.
func (f *live) check() (what string) {
	if !f.open {
		return ""
	}
	info, err := os.Lstat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		what = "removed"
	case err != nil:
		return ""
	case idOf(info) != f.id:
		what = "replaced"
	case info.Size() < f.size:
		f.size = info.Size()
		return "truncated"
	default:
		return ""
	}
	f.close()
	return what
}

func (f *live) close() {
	f.jack.Close()
	f.open = false
}

// turn moves what the file holds to an archive with a new name, and opens an
// empty file. It returns the archive's name without its folder; "" where the
// file is empty. After an error the file may still be written to.
//
// The order: the archive's name is linked first, because link(2) refuses a name
// that exists and lumberjack's rename does not. Then lumberjack turns, and is
// closed so that it opens the new file with O_APPEND. Its own backup name goes
// last. A crash between any two steps leaves the bytes under at least one name;
// mend knows each of these states.
func (f *live) turn(reason string, now time.Time) (string, error) {
	if err := f.ensure(); err != nil {
		return "", err
	}
	if f.size == 0 {
		return "", nil
	}
	name, err := f.claim(reason, now)
	if err != nil {
		return "", err
	}
	f.did("linked")
	before := time.Now()
	err = f.jack.Rotate()
	after := time.Now()
	f.did("turned")
	f.close()
	if info, lerr := os.Lstat(f.path); err != nil && lerr == nil && idOf(info) == f.id {
		os.Remove(filepath.Join(f.dir, name))
		return "", fmt.Errorf("turn log: %w", err)
	}
	f.dropBackup(before, after)
	f.did("unlinked")
	if eerr := f.ensure(); eerr != nil {
		return name, fmt.Errorf("open log after it turned: %w", errors.Join(err, eerr))
	}
	os.Chmod(f.path, logMode)
	f.did("opened")
	return name, nil
}

// claim gives the file its archive's name beside its own.
func (f *live) claim(reason string, now time.Time) (string, error) {
	const tries = 1000 // names of one millisecond that others may hold
	for range tries {
		f.last = f.last.next(now)
		name := archiveName(f.stem, f.last, reason)
		to := filepath.Join(f.dir, name)
		err := os.Link(f.path, to)
		if noHardLinks(err) {
			err = renameNew(f.path, to)
		}
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("name archive: %w", err)
		}
		return name, nil
	}
	return "", fmt.Errorf("name archive: %d names at %s are taken", tries, f.last.at.Format(stampFormat))
}

// dropBackup removes the name that lumberjack gave the old file between the two
// times. The inode tells it from a file of somebody else.
func (f *live) dropBackup(from, to time.Time) {
	for at := from.Truncate(time.Millisecond); !at.After(to); at = at.Add(time.Millisecond) {
		if f.dropIfSame(filepath.Join(f.dir, jackName(f.stem, at))) {
			return
		}
	}
	// The clock stepped meanwhile: look at all its names.
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if _, ok := isJackName(f.stem, e.Name()); ok && f.dropIfSame(filepath.Join(f.dir, e.Name())) {
			return
		}
	}
}

func (f *live) dropIfSame(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || idOf(info) != f.id {
		return false
	}
	return os.Remove(path) == nil
}
