package rotate

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// compressor compresses archives one at a time. Its buffers are made for a run
// of archives and forgotten after it.
type compressor struct {
	folder *folder
	step   func(string) // tells a test which step was done; may be nil
	zip    *gzip.Writer
	buf    []byte
}

func (c *compressor) did(step string) {
	if c.step != nil {
		c.step(step)
	}
}

func (c *compressor) forget() { c.zip, c.buf = nil, nil }

// compress replaces the archive by its compressed form. The source goes only
// when the other is durable under its final name; after an error the source is
// there and nothing else is.
func (c *compressor) compress(ctx context.Context, a archive) (before, after int64, err error) {
	from := filepath.Join(c.folder.path, a.name)
	to, tmp := from+gzipSuffix, from+gzipSuffix+tmpSuffix
	src, before, err := openArchive(from)
	if err != nil {
		return 0, 0, err
	}
	defer src.Close()
	after, err = c.write(ctx, src, tmp)
	if err != nil {
		return before, 0, fmt.Errorf("compress archive: %w", err)
	}
	c.did("compressed")
	if err := renameNew(tmp, to); err != nil {
		if errors.Is(err, fs.ErrExist) && holdsSame(to, before) {
			err = nil // a crash came between this step and the removal of the source
		}
		os.Remove(tmp)
		if err != nil {
			return before, 0, fmt.Errorf("name compressed archive: %w", err)
		}
	}
	c.did("named")
	if err := c.folder.sync(); err != nil {
		return before, after, err
	}
	c.did("synced")
	if err := os.Remove(from); err != nil {
		return before, after, fmt.Errorf("remove compressed archive's source: %w", err)
	}
	c.did("removed")
	return before, after, nil
}

// errNames refuses an archive that has another name, too: it may be the live
// file of a rotation that is under way, or a file that somebody linked here.
var errNames = errors.New("it has another name")

// openArchive opens what a rotation left, and refuses what somebody else may
// have put in its place.
func openArchive(path string) (*os.File, int64, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, fmt.Errorf("open archive: %w", err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("open archive %s: it is %s, not a plain file", path, fileSort(info.Mode()))
	case ownerOf(info) != os.Geteuid():
		err = fmt.Errorf("open archive %s: it belongs to uid %d", path, ownerOf(info))
	case linksOf(info) != 1:
		err = fmt.Errorf("open archive %s: %w: %d hard links, want 1", path, errNames, linksOf(info))
	default:
		return f, info.Size(), nil
	}
	f.Close()
	return nil, 0, err
}

// write makes the compressed file and syncs it. On an error it is removed.
func (c *compressor) write(ctx context.Context, src io.Reader, tmp string) (int64, error) {
	flags := os.O_CREATE | os.O_EXCL | os.O_WRONLY | syscall.O_NOFOLLOW
	dst, err := os.OpenFile(tmp, flags, logMode)
	if errors.Is(err, fs.ErrExist) {
		// Left behind by a crash, or planted: a name in our folder either way,
		// and removing a name never follows it.
		os.Remove(tmp)
		dst, err = os.OpenFile(tmp, flags, logMode)
	}
	if err != nil {
		return 0, err
	}
	size, err := c.copy(ctx, dst, src)
	if err == nil {
		err = dst.Chmod(logMode)
	}
	if err == nil {
		err = dst.Sync()
	}
	if cerr := dst.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(tmp)
	}
	return size, err
}

func (c *compressor) copy(ctx context.Context, dst *os.File, src io.Reader) (int64, error) {
	if c.zip == nil {
		c.zip, c.buf = gzip.NewWriter(nil), make([]byte, chunkSize)
	}
	c.zip.Reset(dst)
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n, err := src.Read(c.buf)
		if n > 0 {
			if _, werr := c.zip.Write(c.buf[:n]); werr != nil {
				return 0, werr
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
	}
	if err := c.zip.Close(); err != nil {
		return 0, err
	}
	return dst.Seek(0, io.SeekCurrent)
}

// holdsSame reports whether the compressed file is whole and holds size bytes.
func holdsSame(path string, size int64) bool {
	f, _, err := openArchive(path)
	if err != nil {
		return false
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		return false
	}
	n, err := io.Copy(io.Discard, zip)
	return err == nil && n == size
}
