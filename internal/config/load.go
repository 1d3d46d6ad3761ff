package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Load is Parse of a regular file, or of a link to one. A pipe, a device or a
// folder is refused without waiting on it.
func Load(path string, into any) error {
	// Without O_NONBLOCK the open of a pipe waits for its writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("read config %s: %w", path, bare(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read config %s: %w", path, bare(err))
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("read config %s: it is %s, want a regular file", path, special(info.Mode()))
	}
	// One byte past the limit, so that Parse sees that it is passed.
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return fmt.Errorf("read config %s: %w", path, bare(err))
	}
	if len(data) > maxBytes {
		return fmt.Errorf("read config %s: it has %d bytes, more than %d", path, info.Size(), maxBytes)
	}
	return Parse(path, data, into)
}

// bare is the error without the path, which the message has already.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func special(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a folder"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}
