package scoreboard

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/reeveproxy/reeve/internal/testproc"
)

func TestMain(m *testing.M) {
	os.Setenv("GORACE", "atexit_sleep_ms=0") // or each child would end a second late
	testproc.Main(m, testproc.Roles{
		"hold":          func() int { return hold(nil) },
		"die-in-fill":   func() int { return hold(stopInFill) },
		"die-in-member": func() int { return hold(stopInMember) },
	})
}

func newBoard(t testing.TB, slots int) *Board {
	t.Helper()
	b, err := Create(slots)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if b.mem != nil {
			b.Close()
		}
	})
	return b
}

// reopen maps the board a second time, as another process would.
func reopen(t testing.TB, b *Board) *Board {
	t.Helper()
	fd, err := unix.Dup(int(b.File().Fd()))
	if err != nil {
		t.Fatal(err)
	}
	second, err := Open(os.NewFile(uintptr(fd), "dup"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { second.Close() })
	return second
}

// signed returns a request whose texts prove each other.
func signed(n uint64) (client, method, path string) {
	client = fmt.Sprintf("client-%x", n)
	method = strings.Repeat("M", int(n%MaxMethod))
	path = strings.Repeat(fmt.Sprintf("/%x", n), int(n%20))
	return client, method, fmt.Sprintf("%s#%08x", path, sign(client, method, path))
}

func sign(texts ...string) uint32 { return crc32.ChecksumIEEE([]byte(strings.Join(texts, "|"))) }

func proven(r Request) bool {
	path, sum, ok := strings.Cut(r.Path, "#")
	return ok && sum == fmt.Sprintf("%08x", sign(r.Client, r.Method, path)) &&
		(r.Member == "" || r.Member == memberOf(r.Client) || r.Member == nextMemberOf(r.Client)) && r.ID != 0
}

func memberOf(client string) string     { return "member-of-" + client }
func nextMemberOf(client string) string { return strings.Repeat("="+client, 4) }

func TestReaderNeverSeesATornRequest(t *testing.T) {
	b := newBoard(t, 64)
	reader := reopen(t, b)
	w := NewWriter(b)
	const writers, each = 8, 5000
	var wg sync.WaitGroup
	for g := range writers {
		wg.Go(func() {
			for i := range each {
				n := uint64(g*each + i)
				client, method, path := signed(n)
				s, ok := w.Claim(client, method, path, time.Hour)
				if !ok {
					t.Error("board of 64 slots is full with 8 requests")
					return
				}
				s.SetBytes(n)
				for range i % 20 { // it changes its member again and again
					s.SetMember(memberOf(client))
					s.SetMember(nextMemberOf(client))
				}
				if i%10 == 0 {
					runtime.Gosched() // and is at rest for a while
				}
				s.Release()
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	seen, withMember := 0, 0
	var buf []Request
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		buf = reader.Snapshot(buf[:0])
		for _, r := range buf {
			seen++
			if !proven(r) {
				t.Errorf("torn: %+v", r)
				<-done
				return
			}
			if r.Member != "" {
				withMember++
			}
		}
	}
	if seen == 0 || withMember == 0 {
		t.Fatalf("the reader saw %d requests, %d with a member: the test proves nothing", seen, withMember)
	}
	if b.Started() != writers*each || b.Completed() != writers*each || reader.InFlight() != 0 {
		t.Fatalf("started %d, completed %d, in flight %d", b.Started(), b.Completed(), reader.InFlight())
	}
}

func TestNoSlotHasTwoOwners(t *testing.T) {
	b := newBoard(t, 64)
	w := NewWriter(b)
	owners := make([]atomic.Int32, 64)
	var refused atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var held []Slot
			for i := range 20000 {
				if s, ok := w.Claim("c", "GET", "/", 0); ok {
					if n := owners[s.Index()].Add(1); n != 1 {
						t.Errorf("slot %d has %d owners", s.Index(), n)
					}
					held = append(held, s)
				} else {
					refused.Add(1)
				}
				if len(held) > i%13 { // 8 goroutines × up to 13 > 64: the board does fill
					for _, s := range held {
						owners[s.Index()].Add(-1)
						s.Release()
					}
					held = held[:0]
				}
			}
			for _, s := range held {
				owners[s.Index()].Add(-1)
				s.Release()
			}
		})
	}
	wg.Wait()
	if n := len(claimAll(w)); n != 64 {
		t.Fatalf("%d slots are left of 64 (%d claims were refused)", n, refused.Load())
	}
}

func claimAll(w *Writer) (all []Slot) {
	for {
		s, ok := w.Claim("c", "GET", "/", 0)
		if !ok {
			return all
		}
		all = append(all, s)
	}
}

// child starts the role on the board and waits until it has claimed.
func child(t *testing.T, b *Board, role string) (kill func()) {
	t.Helper()
	cmd := testproc.Command(role)
	cmd.ExtraFiles = []*os.File{b.File()}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dead := false
	kill = func() {
		if !dead {
			dead = true
			cmd.Process.Kill()
			cmd.Wait()
		}
	}
	t.Cleanup(kill)
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("child said %q, %v", line, err)
	}
	return kill
}

// hold claims three requests on the board of descriptor 3, runs last, tells
// that it is ready and waits to be killed.
func hold(last func(*Writer)) int {
	b, err := Open(os.NewFile(3, "board"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	w := NewWriter(b)
	for n := range 3 {
		client, method, path := signed(uint64(n))
		s, _ := w.Claim(client, method, path, time.Minute)
		s.SetMember(memberOf(client))
		s.SetBytes(uint64(n))
	}
	if last != nil {
		last(w)
	}
	fmt.Println("ready")
	for {
		time.Sleep(time.Hour) // select{} would end in "all goroutines are asleep"
	}
}

// stopInFill leaves a slot as a claim leaves it that never ended.
func stopInFill(w *Writer) {
	slot, _ := w.pop(0)
	w.board.raiseHigh(uint64(slot + 1))
	w.board.slotWord(slot, slotSeq).Add(1)
	w.board.putText(slot, slotPath, MaxPath, "/half")
}

// stopInMember leaves a fourth request as a SetMember leaves it that never ended.
func stopInMember(w *Writer) {
	client, method, path := signed(3)
	s, _ := w.Claim(client, method, path, time.Minute)
	w.board.slotWord(s.index, slotSeq).Add(1)
	w.board.putText(s.index, slotMember, MaxMember, "half a mem")
	lens := w.board.slotWord(s.index, slotLens)
	lens.Store(lens.Load() | 10<<32)
}

func TestRequestsOutliveTheirWriter(t *testing.T) {
	for role, want := range map[string]int{"hold": 3, "die-in-fill": 3, "die-in-member": 4} {
		t.Run(role, func(t *testing.T) {
			b := newBoard(t, 64)
			kill := child(t, b, role)
			alive := b.Snapshot(nil)
			kill()
			dead := b.Snapshot(nil)
			if len(alive) != want || len(dead) != want {
				t.Fatalf("seen alive %d, dead %d, want %d", len(alive), len(dead), want)
			}
			whole := 0
			for _, r := range dead {
				if !proven(r) {
					t.Errorf("torn: %+v", r)
				}
				if r.Limit != time.Minute || r.Age < 0 || r.Age > time.Minute {
					t.Errorf("age %s, limit %s: the processes' clocks differ", r.Age, r.Limit)
				}
				if r.Member != "" {
					whole++
				}
			}
			if whole != 3 {
				t.Errorf("%d requests have their member, want 3", whole)
			}
		})
	}
}

func TestStoppedWriterIsReadAndKilled(t *testing.T) {
	b := newBoard(t, 64)
	cmd := testproc.Command("hold")
	cmd.ExtraFiles = []*os.File{b.File()}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	bufio.NewReader(out).ReadString('\n')
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var st unix.WaitStatus
	if _, err := unix.Wait4(cmd.Process.Pid, &st, unix.WUNTRACED, nil); err != nil || !st.Stopped() {
		t.Fatalf("wait for the stop: %v, %v", st, err)
	}
	got := b.Snapshot(nil)
	if len(got) != 3 {
		t.Fatalf("%d requests of a stopped writer, want 3", len(got))
	}
	if !b.Kill(got[1].Slot, got[1].ID) {
		t.Fatal("kill refused")
	}
	for i, r := range b.Snapshot(nil) {
		if r.KillSent != (i == 1) {
			t.Errorf("request %d: kill sent %v", i, r.KillSent)
		}
	}
}

func TestNextWriterStrikesOutTheDeadOnes(t *testing.T) {
	b := newBoard(t, 64)
	child(t, b, "die-in-member")() // dead now
	old := b.Snapshot(nil)
	for _, r := range old {
		b.Kill(r.Slot, r.ID)
	}
	w := NewWriter(b)
	if n := len(b.Snapshot(nil)); n != 0 || b.InFlight() != 0 {
		t.Fatalf("%d requests seen, %d in flight, of a dead writer", n, b.InFlight())
	}
	all := claimAll(w)
	if len(all) != 64 {
		t.Fatalf("%d slots, want 64", len(all))
	}
	for _, s := range all {
		s.SetMember("m")
	}
	for _, r := range b.Snapshot(nil) {
		if r.Member != "m" {
			t.Errorf("slot %d is taken for one that is being written", r.Slot)
		}
	}
	for _, s := range all {
		if s.KillAsked() {
			t.Errorf("slot %d: a kill of an earlier life reached request %d", s.Index(), s.ID())
		}
		for _, r := range old {
			if r.ID == s.ID() {
				t.Errorf("number %d was given twice", r.ID)
			}
		}
	}
}

func TestFileCannotBeCutUnderItsReaders(t *testing.T) {
	b := newBoard(t, 64)
	if err := b.File().Truncate(0); err == nil {
		t.Fatal("the board's file was cut: the next look at it would have been SIGBUS")
	}
	if !errors.Is(b.File().Truncate(1<<20), os.ErrPermission) {
		t.Fatal("the board's file grew")
	}
}
