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
	data, err := ReadFile(path)
	if err != nil {
		return err
	}
	return Parse(path, data, into)
}

// ReadFile returns the bytes of a configuration file for Parse. It refuses what
// is not a regular file, or is larger than any configuration.
func ReadFile(path string) ([]byte, error) {
	// Without O_NONBLOCK the open of a pipe waits for its writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("read config %s: %w", path, bare(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read config %s: %w", path, bare(err))
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read config %s: it is %s, want a regular file", path, special(info.Mode()))
	}
	// One byte past the limit, so that Parse sees that it is passed.
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read config %s: %w", path, bare(err))
	}
	if len(data) > maxBytes {
		return nil, fmt.Errorf("read config %s: it has %d bytes, more than %d", path, info.Size(), maxBytes)
	}
	return data, nil
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
