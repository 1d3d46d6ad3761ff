package rotate

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// dirMode is the mode of a log folder that reeve makes.
const dirMode = 0o750

// folder is the folder of logs, held against other writers.
type folder struct {
	path string
	lock *os.File
}

// openFolder checks the folder, makes it where it is missing, and locks it.
func openFolder(path string) (*folder, error) {
	if path == "" {
		return nil, errors.New("log folder: no path is set (rotate.dir)")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("log folder: %w", err)
	}
	if err := os.MkdirAll(path, dirMode); err != nil {
		if info, lerr := os.Lstat(path); lerr != nil || info.IsDir() {
			return nil, fmt.Errorf("make log folder: %w", err)
		}
	}
	if err := checkFolder(path); err != nil {
		return nil, err
	}
	f := &folder{path: path}
	if err := f.hold(); err != nil {
		return nil, err
	}
	return f, nil
}

// checkFolder refuses a folder in which somebody else could put files in the
// way of a process with more rights than theirs.
func checkFolder(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("log folder: %w", err)
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return fmt.Errorf("log folder %s is a symlink; name the folder itself", path)
	}
	if !info.IsDir() {
		return fmt.Errorf("log folder %s is %s, not a folder", path, fileSort(info.Mode()))
	}
	if uid := ownerOf(info); uid != os.Geteuid() {
		return fmt.Errorf("log folder %s belongs to uid %d, and reeve runs as uid %d", path, uid, os.Geteuid())
	}
	if info.Mode().Perm()&0o002 != 0 {
		return fmt.Errorf("log folder %s can be written by everybody (mode %04o); want 0750", path, info.Mode().Perm())
	}
	if gid := groupOf(info); info.Mode().Perm()&0o020 != 0 && gid != 0 && gid != os.Getegid() {
		return fmt.Errorf("log folder %s can be written by group %d (mode %04o); want 0750", path, gid, info.Mode().Perm())
	}
	return nil
}

// hold takes the folder's lock. The kernel lets it go with the process, so it
// is never stale.
func (f *folder) hold() error {
	path := filepath.Join(f.path, lockName)
	lock, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o640)
	if errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("log folder %s cannot be written: %w", f.path, err)
	}
	if err != nil {
		return fmt.Errorf("lock log folder: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder := holderOf(lock)
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("log folder %s is kept by another reeve (pid %s)", f.path, holder)
		}
		return fmt.Errorf("lock log folder %s: %w", f.path, err)
	}
	// Who holds it is a courtesy to the reader; a full disk must not forbid it.
	lock.Truncate(0)
	lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	f.lock = lock
	return nil
}

func holderOf(lock *os.File) string {
	text, _ := io.ReadAll(io.LimitReader(lock, 32))
	if pid := strings.TrimSpace(string(text)); pid != "" {
		return pid
	}
	return "not known"
}

func (f *folder) release() { f.lock.Close() }

// sync makes the folder's names durable.
func (f *folder) sync() error {
	d, err := os.Open(f.path)
	if err != nil {
		return fmt.Errorf("sync log folder: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync log folder: %w", err)
	}
	return nil
}

// archives lists the archives of one log, oldest first.
func (f *folder) archives(stem string) ([]archive, error) {
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return nil, fmt.Errorf("list log folder: %w", err)
	}
	var out []archive
	for _, e := range entries {
		a, ok := parseArchive(stem, e.Name())
		if !ok || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // removed meanwhile
		}
		a.size = info.Size()
		out = append(out, a)
	}
	sortArchives(out)
	return out, nil
}
