package main

import (
	"errors"
	"fmt"
	"os"
)

// handover is the file without a name in which the built-in proxy finds its
// configuration: the very bytes that the supervisor checked.
type handover struct{ file *os.File }

func newHandover(dir string, raw []byte) (*handover, error) {
	f, err := os.CreateTemp(dir, "config-")
	if err != nil {
		return nil, fmt.Errorf("hand over configuration: %w", err)
	}
	h := &handover{file: f}
	if err := errors.Join(os.Remove(f.Name()), h.put(raw)); err != nil {
		f.Close()
		return nil, fmt.Errorf("hand over configuration: %w", err)
	}
	return h, nil
}

// put replaces the configuration in place, because a life that runs holds this
// very file. A life that reads between the two steps sees a mixture: it refuses
// that as a whole, and reads again at the signal that follows.
func (h *handover) put(raw []byte) error {
	if _, err := h.file.WriteAt(raw, 0); err != nil {
		return err
	}
	return h.file.Truncate(int64(len(raw)))
}
