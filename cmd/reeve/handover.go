package main

import (
	"errors"
	"fmt"
	"os"
)

// handover is the file without a name in which the built-in proxy finds its
// configuration: the very bytes that the supervisor checked. The proxy gets a
// descriptor that cannot write, so that a proxy that was taken over cannot
// configure its successors.
type handover struct {
	file   *os.File // the supervisor's
	reader *os.File // the proxy's
	raw    []byte   // what is in the file
}

func newHandover(raw []byte) (*handover, error) {
	f, err := unnamedFile("reeve-config")
	if err != nil {
		return nil, fmt.Errorf("hand over configuration: %w", err)
	}
	h := &handover{file: f}
	if h.reader, err = readOnly(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("hand over configuration: %w", err)
	}
	if err := h.put(raw); err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

// put replaces the configuration in place, because a life that runs holds this
// very file. A life that reads between the two steps sees a mixture: it refuses
// that as a whole, and reads again at the signal that follows. After an error
// the old configuration is in the file.
func (h *handover) put(raw []byte) error {
	if err := overwrite(h.file, raw); err != nil {
		return fmt.Errorf("hand over configuration: %w", errors.Join(err, overwrite(h.file, h.raw)))
	}
	h.raw = raw
	return nil
}

func overwrite(f *os.File, raw []byte) error {
	if _, err := f.WriteAt(raw, 0); err != nil {
		return err
	}
	return f.Truncate(int64(len(raw)))
}

func (h *handover) close() error { return errors.Join(h.file.Close(), h.reader.Close()) }
