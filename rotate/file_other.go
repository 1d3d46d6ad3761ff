//go:build !linux

package rotate

import "os"

// newPipe returns a pipe of the system's size.
func newPipe(string) (r, w *os.File, err error) { return os.Pipe() }

// pending is not known here.
func pending(int) int { return 0 }

// capacity is that of a small pipe.
func capacity(int) int { return 16 << 10 }

// widen does nothing here: the size of a pipe is fixed.
func widen(int) {}

// renameNew renames without replacing, but for a moment both names exist.
func renameNew(from, to string) error {
	if err := os.Link(from, to); err != nil {
		return err
	}
	return os.Remove(from)
}

// yieldThread does nothing here.
func yieldThread() {}
