package rotate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// mend puts right what a crash left of one log, before it is opened: an archive
// that is still the live file, lumberjack's own backup names, half compressed
// files, and a last line without its end.
func mend(f *folder, path string) error {
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return fmt.Errorf("list log folder: %w", err)
	}
	stem := stem(path)
	named := map[fileID]string{} // archives by inode
	for _, e := range entries {
		if _, ok := parseArchive(stem, e.Name()); ok && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				named[idOf(info)] = e.Name()
			}
		}
	}
	for _, e := range entries {
		if base, ok := strings.CutSuffix(e.Name(), gzipSuffix+tmpSuffix); ok {
			if _, ours := parseArchive(stem, base); ours {
				os.Remove(filepath.Join(f.path, e.Name()))
			}
		}
		if err := mendBackup(f, stem, e, named); err != nil {
			return err
		}
	}
	if err := mendLive(f, path, named); err != nil {
		return err
	}
	return endLastLine(path)
}

// mendBackup deals with a name that lumberjack made: beside an archive's name
// it is superfluous, alone it becomes an archive.
func mendBackup(f *folder, stem string, e fs.DirEntry, named map[fileID]string) error {
	at, ok := isJackName(stem, e.Name())
	if !ok || !e.Type().IsRegular() {
		return nil
	}
	from := filepath.Join(f.path, e.Name())
	info, err := e.Info()
	if err != nil {
		return nil
	}
	if _, ok := named[idOf(info)]; ok {
		return os.Remove(from)
	}
	for s := (stamp{at: at}); s.seq < 1000; s.seq++ {
		err = renameNew(from, filepath.Join(f.path, archiveName(stem, s, "recovered")))
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("name the archive %s: %w", from, err)
	}
	return nil
}

// mendLive takes an archive's name back from a file that is still the live one:
// the crash came before it turned, and its rotation comes again.
func mendLive(f *folder, path string, named map[fileID]string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at log: %w", err)
	}
	if name, ok := named[idOf(info)]; ok {
		if err := os.Remove(filepath.Join(f.path, name)); err != nil {
			return fmt.Errorf("take back the archive of a rotation that did not end: %w", err)
		}
	}
	_, err = checkOwn(path)
	return err
}

// endLastLine gives the file's last line its end, so that the next line stands
// for itself.
func endLastLine(path string) error {
	info, err := os.Lstat(path)
	if err != nil || info.Size() == 0 {
		return nil
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return fmt.Errorf("open log %s: %w", path, err)
	}
	defer file.Close()
	var last [1]byte
	if _, err := file.ReadAt(last[:], info.Size()-1); err != nil || last[0] == '\n' {
		return nil
	}
	file.Write(newline) // on a full disk the line stays torn; that is no reason not to start
	return nil
}
