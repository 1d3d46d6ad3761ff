package event

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"
)

// envelope is the wire form: one JSON object a line.
type envelope struct {
	Kind string          `json:"kind"`
	Data json.RawMessage `json:"data"`
}

// ErrUnknownKind is returned by Decode for a kind that is not declared, such
// as one that a newer child speaks of.
var ErrUnknownKind = errors.New("unknown event kind")

// MaxLine is the longest encoded event, in bytes, that Decode and Copy accept.
// A line that is longer is damage or an attack, not an event.
const MaxLine = 64 << 10

// Encode returns the event as one line of JSON, its newline included.
func Encode(e Event) ([]byte, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.Kind(), err)
	}
	line, err := json.Marshal(envelope{Kind: e.Kind(), Data: data})
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.Kind(), err)
	}
	return append(line, '\n'), nil
}

// Decode parses one line of Encode. It returns ErrUnknownKind, wrapped, for a
// kind that is not declared.
func Decode(line []byte) (Event, error) {
	if len(line) > MaxLine {
		return nil, fmt.Errorf("decode event: line of %d bytes, limit %d", len(line), MaxLine)
	}
	var env envelope
	if err := json.Unmarshal(line, &env); err != nil {
		return nil, fmt.Errorf("decode event: %w", err)
	}
	d, ok := Lookup(env.Kind)
	if !ok {
		return nil, fmt.Errorf("decode event %q: %w", env.Kind, ErrUnknownKind)
	}
	v := reflect.New(reflect.TypeOf(d.Prototype))
	if len(env.Data) > 0 {
		if err := json.Unmarshal(env.Data, v.Interface()); err != nil {
			return nil, fmt.Errorf("decode event %s: %w", env.Kind, err)
		}
	}
	return v.Elem().Interface().(Event), nil
}

// Copy emits to sink each event that r carries, until r ends. Lines that do
// not decode are counted in bad and skipped: a child's nonsense must not stop
// its supervisor. The error is r's own, or nil at its end.
func Copy(sink Sink, r io.Reader) (bad int, err error) {
	in := bufio.NewReaderSize(r, MaxLine)
	for {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			bad++
			if err := skipLine(in); err != nil {
				return bad, endOf(err)
			}
			continue
		case len(line) > 0:
			if e, derr := Decode(line); derr != nil {
				bad++
			} else {
				sink.Emit(e)
			}
		}
		if err != nil {
			return bad, endOf(err)
		}
	}
}

func skipLine(in *bufio.Reader) error {
	for {
		_, err := in.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func endOf(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// Writer is the Sink of a child process: it writes each event as one line to
// the descriptor that its supervisor gave it (REEVE_EVENTS_FD).
//
// A pipe that nobody reads would block Emit, so the writes are made by one
// goroutine behind a queue of 256 events, which outlasts any pause of a living
// supervisor; past that events are dropped and counted.
type Writer struct {
	queue chan Event
	done  chan struct{}

	mu      sync.Mutex
	closed  bool
	dropped uint64
}

// NewWriter starts a Writer on w. Close ends it.
func NewWriter(w io.Writer) *Writer {
	out := &Writer{queue: make(chan Event, 256), done: make(chan struct{})}
	go out.run(w)
	return out
}

func (w *Writer) run(out io.Writer) {
	defer close(w.done)
	broken := false
	for e := range w.queue {
		if broken {
			w.drop()
			continue
		}
		line, err := Encode(e)
		if err != nil { // a NaN, which JSON does not know
			w.drop()
			continue
		}
		if _, err = out.Write(line); err != nil {
			broken = true
			w.drop()
		}
	}
}

func (w *Writer) drop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dropped++
}

// Emit queues the event, or drops and counts it where the queue is full.
func (w *Writer) Emit(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	select {
	case w.queue <- e:
	default:
		w.dropped++
	}
}

// Dropped returns how many events did not fit the queue or could not be written.
func (w *Writer) Dropped() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dropped
}

// Close writes what is queued and ends the goroutine. Emit does nothing after.
func (w *Writer) Close() error {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.mu.Unlock()
	<-w.done
	return nil
}
