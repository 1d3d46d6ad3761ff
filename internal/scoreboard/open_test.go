package scoreboard

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// image is a board of 64 slots with one request, as bytes.
func image(t testing.TB) []byte {
	b := newBoard(t, MinSlots)
	w := NewWriter(b)
	s, _ := w.Claim("192.0.2.1:1", "GET", "/path", 0)
	s.SetMember("m")
	return append([]byte(nil), b.mem...)
}

func openImage(t testing.TB, img []byte) (*Board, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "board")
	if err := os.WriteFile(name, img, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(f)
	if err != nil {
		if cerr := f.Close(); cerr != nil {
			t.Fatalf("Open closed a file that it refused: %v", cerr)
		}
		return nil, err
	}
	t.Cleanup(func() { b.Close() })
	return b, nil
}

func TestOpenRefusesWhatIsNotABoard(t *testing.T) {
	word := func(at int, v uint64) func([]byte) []byte {
		return func(img []byte) []byte {
			binary.LittleEndian.PutUint64(img[at:], v)
			return img
		}
	}
	for name, spoil := range map[string]func([]byte) []byte{
		"wrong magic":    word(headMagic, 1),
		"wrong version":  word(headVersion, Version+1),
		"wrong slot":     word(headSize, 256),
		"too few slots":  word(headSlots, MinSlots-1),
		"too many slots": word(headSlots, MaxSlots+1),
		"huge slots":     word(headSlots, 1<<63/slotSize+MinSlots), // its product wraps to a small number
		"another size":   word(headSlots, MinSlots+1),
		"cut":            func(img []byte) []byte { return img[:len(img)-1] },
		"longer":         func(img []byte) []byte { return append(img, 0) },
		"empty":          func([]byte) []byte { return nil },
		"a page":         func(img []byte) []byte { return img[:pageSize] },
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := openImage(t, spoil(image(t))); !errors.Is(err, ErrLayout) {
				t.Fatalf("error %v, want ErrLayout", err)
			}
		})
	}
	b, err := openImage(t, image(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := b.Snapshot(nil); len(got) != 1 || got[0].Path != "/path" || got[0].Member != "m" {
		t.Fatalf("an unspoilt image reads %+v", got)
	}
}

func TestCreateRefusesBadSizes(t *testing.T) {
	for _, n := range []int{-1, 0, MinSlots - 1, MaxSlots + 1} {
		if b, err := Create(n); err == nil {
			b.Close()
			t.Errorf("a board of %d slots was made", n)
		}
	}
}

func TestUseAfterCloseIsAPanicNotAFault(t *testing.T) {
	b := newBoard(t, MinSlots)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Fatal("no panic")
		}
	}()
	b.Snapshot(nil)
}

// FuzzOpen writes rubbish over the head and the first slot, and the file's size.
func FuzzOpen(f *testing.F) {
	good := image(f)
	f.Add(good[:64], good[slotsFrom:slotsFrom+slotSize], 0)
	f.Add(good[:40], []byte{1, 0, 0, 0, 0, 0, 0, 0, 9}, 1)
	f.Add([]byte("sb-reeve"), []byte{}, -1)
	f.Fuzz(func(t *testing.T, head, slot []byte, grow int) {
		img := append([]byte(nil), good...)
		copy(img[:pageSize], head)
		copy(img[slotsFrom:], slot)
		switch {
		case grow < 0:
			img = img[:max(0, len(img)+grow%len(img))]
		case grow > 0:
			img = append(img, make([]byte, grow%pageSize)...)
		}
		b, err := openImage(t, img)
		if err != nil {
			return
		}
		for _, r := range b.Snapshot(nil) {
			if len(r.Client) > MaxClient || len(r.Method) > MaxMethod || len(r.Member) > MaxMember || len(r.Path) > MaxPath || r.Age < 0 {
				t.Errorf("%+v", r)
			}
			b.Kill(r.Slot, r.ID)
		}
		b.InFlight()
		w := NewWriter(b)
		if n := len(claimAll(w)); n != b.Slots() {
			t.Errorf("%d of %d slots", n, b.Slots())
		}
		w.Overdue(nil)
	})
}
