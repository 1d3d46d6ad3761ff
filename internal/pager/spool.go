package pager

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	incidentsFile = "incidents.json"
	pagePrefix    = "page-"
	tmpPrefix     = ".tmp-"
	maxSpoolFile  = 1 << 20 // bytes; a larger file is not ours
)

// waiting is a page that a receiver has not taken yet.
type waiting struct {
	Receiver string    `json:"receiver"`
	Queued   time.Time `json:"queued"` // when its incident first had news
	Tries    int       `json:"tries"`
	Page     Page      `json:"page"`

	version uint64 // rises when newer news takes the place
	refresh bool   // no news: it only keeps an alert alive, and is not spooled
}

func (w waiting) file() string {
	sum := sha256.Sum256([]byte(w.Page.Key))
	return pagePrefix + w.Receiver + "-" + hex.EncodeToString(sum[:8]) + ".json"
}

// spool mirrors small files to a folder. Changes are put aside in memory and
// written by one goroutine, so that a disk that is slow, full or gone never
// delays a page; what could not be written is tried again.
type spool struct {
	dir   string // "" keeps nothing
	retry time.Duration

	mu       sync.Mutex
	dirty    map[string][]byte // by file name; nil removes the file
	wake     chan struct{}     // capacity 1: a wake-up that is pending covers all
	closing  bool
	degraded string
}

func newSpool(dir string) *spool {
	s := &spool{retry: 30 * time.Second, dirty: map[string][]byte{}, wake: make(chan struct{}, 1)}
	if dir != "" {
		s.dir = filepath.Join(dir, "spool")
	}
	return s
}

// put sets the content of a file; nil removes it.
func (s *spool) put(name string, data []byte) {
	if s.dir == "" {
		return
	}
	s.mu.Lock()
	s.dirty[name] = data
	s.mu.Unlock()
	s.nudge()
}

func (s *spool) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run writes until finish was called, and then once more.
func (s *spool) run() {
	for {
		last := s.isClosing()
		failed := s.flush()
		if last {
			return
		}
		var again <-chan time.Time
		if failed {
			again = time.After(s.retry)
		}
		select {
		case <-s.wake:
		case <-again:
		}
	}
}

func (s *spool) finish() {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.nudge()
}

func (s *spool) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// flush writes what is dirty and tells whether some of it failed.
func (s *spool) flush() bool {
	s.mu.Lock()
	work := s.dirty
	s.dirty = map[string][]byte{}
	s.mu.Unlock()
	if len(work) == 0 {
		return false
	}
	var failed error
	for name, data := range work {
		if err := s.write(name, data); err != nil {
			failed = err
			s.giveBack(name, data)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.degraded = ""
	if failed != nil {
		s.degraded = failed.Error()
	}
	return failed != nil
}

// giveBack keeps a failed change for the next try, unless a newer one came.
func (s *spool) giveBack(name string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, newer := s.dirty[name]; !newer {
		s.dirty[name] = data
	}
}

func (s *spool) status() (dir, degraded string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dir, s.degraded
}

func (s *spool) write(name string, data []byte) error {
	path := filepath.Join(s.dir, name)
	if data == nil {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove from spool: %w", err)
		}
		return nil
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("make spool: %w", err)
	}
	if err := replace(path, data); err != nil {
		return fmt.Errorf("write to spool: %w", err)
	}
	return nil
}

// replace writes a file so that a crash at any moment leaves the old or the new
// one, never a part.
func replace(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, tmpPrefix)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// load reads what an earlier run left: its incidents (nil where there are
// none), its pages, and a reason for each file that is of no use, which is then
// removed. A folder that cannot be read is told as degraded.
func (s *spool) load() (incidents []byte, pages []waiting, bad []string) {
	if s.dir == "" {
		return nil, nil, nil
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.degraded = fmt.Sprintf("read spool: %v", err)
	}
	for _, e := range entries {
		path := filepath.Join(s.dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), tmpPrefix):
			os.Remove(path)
		case e.Name() == incidentsFile:
			incidents, _ = readSmall(path)
		case strings.HasPrefix(e.Name(), pagePrefix):
			w, err := readPage(path)
			if err != nil {
				bad = append(bad, err.Error())
				os.Remove(path)
				continue
			}
			pages = append(pages, w)
		}
	}
	return incidents, pages, bad
}

func readPage(path string) (waiting, error) {
	text, err := readSmall(path)
	if err != nil {
		return waiting{}, fmt.Errorf("read spooled page: %w", err)
	}
	return decodeWaiting(filepath.Base(path), text)
}

func decodeWaiting(name string, text []byte) (waiting, error) {
	var w waiting
	if err := json.Unmarshal(text, &w); err != nil {
		return waiting{}, fmt.Errorf("spooled page %s: %w", name, err)
	}
	if w.Page.Key == "" || w.file() != name {
		return waiting{}, fmt.Errorf("spooled page %s: not the page of its name", name)
	}
	return w, nil
}

func readSmall(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxSpoolFile {
		return nil, fmt.Errorf("%s of %d bytes, limit a file of %d", info.Mode().Type(), info.Size(), maxSpoolFile)
	}
	return os.ReadFile(path)
}
