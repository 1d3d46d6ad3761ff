package event

import (
	"bytes"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestDecodeRefuses(t *testing.T) {
	for name, line := range map[string]string{
		"nothing":    "",
		"no JSON":    "hello\n",
		"wrong data": `{"kind":"child_died","data":{"pid":"x"}}`,
		"too long":   `{"kind":"child_died","data":{"status":"` + strings.Repeat("a", MaxLine) + `"}}`,
	} {
		if e, err := Decode([]byte(line)); err == nil {
			t.Errorf("%s: decoded as %+v", name, e)
		}
	}
	if _, err := Decode([]byte(`{"kind":"tea_served"}`)); !errors.Is(err, ErrUnknownKind) {
		t.Errorf("unknown kind: %v", err)
	}
}

func TestCopySkipsNonsenseAndCounts(t *testing.T) {
	good, _ := Encode(PoolEmpty{Pool: "static"})
	last, _ := Encode(MemberUp{Pool: "static", Member: "a"})
	in := string(good) + "nonsense\n" + strings.Repeat("x", 3*MaxLine) + "\n" + string(good) +
		`{"kind":"tea_served"}` + "\n" + strings.TrimSuffix(string(last), "\n")
	var r Recorder
	bad, err := Copy(&r, strings.NewReader(in))
	if bad != 3 || err != nil {
		t.Errorf("bad %d, err %v; want 3, nil", bad, err)
	}
	want := []Event{PoolEmpty{Pool: "static"}, PoolEmpty{Pool: "static"}, MemberUp{Pool: "static", Member: "a"}}
	if !reflect.DeepEqual(r.Events(), want) {
		t.Errorf("got %+v", r.Events())
	}
}

func TestWriterToCopy(t *testing.T) {
	pr, pw := io.Pipe()
	var got Recorder
	done := make(chan error, 1) // Copy's result
	go func() {
		bad, err := Copy(&got, pr)
		if bad != 0 {
			t.Errorf("%d lines did not decode", bad)
		}
		done <- err
	}()
	w := NewWriter(pw)
	for _, d := range Declarations() {
		w.Emit(filled(d))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w.Emit(PoolEmpty{}) // after Close: nothing
	pw.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := len(got.Events()); n != len(Declarations()) {
		t.Errorf("%d of %d events arrived", n, len(Declarations()))
	}
}

type refuser struct{}

func (refuser) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWriterCountsEveryLoss(t *testing.T) {
	w := NewWriter(refuser{})
	w.Emit(PoolEmpty{Pool: "a"})
	w.Emit(PoolEmpty{Pool: "b"})
	w.Close()
	if n := w.Dropped(); n != 2 {
		t.Errorf("broken pipe: dropped %d, want 2", n)
	}
	var out bytes.Buffer
	w = NewWriter(&out)
	w.Emit(ConditionRaised{Value: math.NaN()})
	w.Emit(PoolEmpty{Pool: "a"})
	w.Close()
	if n := w.Dropped(); n != 1 || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("NaN: dropped %d, wrote %q", n, out.String())
	}
}

// A reader that never reads: Emit returns, and what does not fit is counted.
func TestWriterNeverBlocksEmit(t *testing.T) {
	pr, pw := io.Pipe()
	w := NewWriter(pw)
	for range 1000 {
		w.Emit(PoolEmpty{Pool: "a"})
	}
	// The queue holds 256; one more may be in the goroutine's hand.
	if n := w.Dropped(); n < 1000-257 {
		t.Errorf("dropped %d of 1000", n)
	}
	pr.Close()
	w.Close()
	if n := w.Dropped(); n != 1000 {
		t.Errorf("after the pipe broke: dropped %d, want all 1000", n)
	}
}

func FuzzDecode(f *testing.F) {
	for _, d := range Declarations() {
		line, _ := Encode(filled(d))
		f.Add(line)
	}
	f.Add([]byte(`{"kind":"child_died","data":null}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := Decode(line)
		if err != nil {
			return
		}
		again, err := Encode(e)
		if err != nil {
			t.Fatalf("decoded %q, cannot encode %+v: %v", line, e, err)
		}
		if len(again) > MaxLine { // escapes may grow
			return
		}
		back, err := Decode(again)
		if err != nil || back.Kind() != e.Kind() {
			t.Fatalf("%q: %+v came back as %+v, %v", line, e, back, err)
		}
		Attrs(e)
		SubjectOf(e)
	})
}

func FuzzCopy(f *testing.F) {
	good, _ := Encode(PoolEmpty{Pool: "static"})
	f.Add(good)
	f.Add(append(append([]byte("x\n"), good...), "\n\n{}"...))
	f.Fuzz(func(t *testing.T, in []byte) {
		var r Recorder
		bad, err := Copy(&r, bytes.NewReader(in))
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Count(in, []byte("\n"))
		if len(in) > 0 && in[len(in)-1] != '\n' {
			lines++
		}
		if n := bad + len(r.Events()); n != lines {
			t.Fatalf("%d lines, %d bad, %d events", lines, bad, len(r.Events()))
		}
	})
}
