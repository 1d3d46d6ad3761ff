package rotate

import (
	"os"
	"testing"
)

// A source that was empty before somebody asked is no answer to the question:
// what was written in between must still be read. The order is made by hand.
func TestAnEmptyReadBeforeTheQuestionIsNoAnswer(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	p := &pool{}
	m, err := newPump(r, newSpill(p, 1<<20, fullSpill), p)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var leave bool
	read := func() {
		if err := m.raw.Control(func(fd uintptr) { leave = m.readOnce(fd) }); err != nil {
			t.Fatal(err)
		}
	}
	read() // empty, and nobody asked
	if leave {
		t.Fatal("left a source that nobody asked to leave")
	}
	if _, err := w.WriteString("late\n"); err != nil {
		t.Fatal(err)
	}
	m.drainAndStop()
	ended := m.endLife()
	if m.settle() {
		t.Fatal("the empty read from before the question ended the pump")
	}
	select {
	case <-ended:
		t.Fatal("the empty read from before the question ended the life")
	default:
	}
	if read(); !leave || m.n != 5 {
		t.Fatalf("read %d bytes, want the 5 that came late", m.n)
	}
}
