package supervisor

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/reeveproxy/reeve/internal/event"
)

// refusalPause bounds the events about refused datagrams; all are counted.
const refusalPause = 10 * time.Second

// notifyServer is the socket on which the child tells its state. Its address is
// abstract: a child in a chroot still finds it, and no file is left behind.
type notifyServer struct {
	sup     *Supervisor
	addr    string // for NOTIFY_SOCKET; "" before start
	conn    *net.UnixConn
	gone    chan struct{} // closed when the reader has ended
	refused atomic.Uint64
	told    time.Time // when a refusal was last emitted; the reader's own

	mu   sync.Mutex
	life uint64
	pid  int
}

func newNotifyServer(s *Supervisor) *notifyServer { return &notifyServer{sup: s} }

func (n *notifyServer) start() error {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	addr := fmt.Sprintf("@reeve/%d/%s", os.Getpid(), hex.EncodeToString(id[:]))
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: addr, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("listen for notifications: %w", err)
	}
	if err := passCredentials(conn); err != nil {
		conn.Close()
		return fmt.Errorf("listen for notifications: %w", err)
	}
	n.conn, n.addr, n.gone = conn, addr, make(chan struct{})
	go n.run()
	return nil
}

func passCredentials(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var serr error
	err = raw.Control(func(fd uintptr) {
		serr = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
	})
	return errors.Join(err, serr)
}

func (n *notifyServer) stop() {
	n.conn.Close()
	<-n.gone
}

// expect says whose word counts from now on. It is called inside the fork, so
// that no word of the new process can be read before it.
func (n *notifyServer) expect(life uint64, pid int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.life, n.pid = life, pid
}

func (n *notifyServer) run() {
	defer close(n.gone)
	buf := make([]byte, maxNotify)
	oob := make([]byte, unix.CmsgSpace(unix.SizeofUcred)+unix.CmsgSpace(4*64))
	for {
		size, oobn, flags, _, err := n.conn.ReadMsgUnix(buf, oob)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			if !sleep(n.sup.patience, 100*time.Millisecond) {
				return
			}
			continue
		}
		if text := recovered(func() { n.take(buf[:size], oob[:oobn], flags) }); text != "" {
			n.sup.events.Emit(event.GuardPanicked{Guard: "notify", Value: text})
		}
	}
}

// take judges one datagram.
func (n *notifyServer) take(text, oob []byte, flags int) {
	pid := sender(oob) // closes what was passed along
	if flags&unix.MSG_TRUNC != 0 {
		n.refuse(pid, fmt.Sprintf("longer than %d bytes", maxNotify))
		return
	}
	// A fork under way has not told its pid yet, and its child may be quick.
	n.sup.host.reaper.mu.Lock()
	n.mu.Lock()
	life, child := n.life, n.pid
	n.mu.Unlock()
	ours := pid > 0 && child > 0 && descends(pid, child)
	n.sup.host.reaper.mu.Unlock()
	if !ours {
		n.refuse(pid, "the sender is not of the child's tree, or was gone before it could be looked up")
		return
	}
	msg, ok := parseNotice(text)
	if !ok {
		n.refuse(pid, "no NAME=value in it")
		return
	}
	n.sup.about(life, func() { n.sup.heard(msg) })
}

func (n *notifyServer) refuse(pid int, reason string) {
	n.refused.Add(1)
	if now := time.Now(); now.Sub(n.told) >= refusalPause {
		n.told = now
		n.sup.events.Emit(event.NotifyRefused{PID: pid, Reason: reason})
	}
}

// sender returns the pid that the kernel vouches for, 0 where there is none,
// and closes all descriptors that came along: a barrier waits for just that.
func sender(oob []byte) (pid int) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return 0
	}
	for _, m := range msgs {
		if fds, err := unix.ParseUnixRights(&m); err == nil {
			for _, fd := range fds {
				syscall.Close(fd)
			}
		}
		if cred, err := unix.ParseUnixCredentials(&m); err == nil {
			pid = int(cred.Pid)
		}
	}
	return pid
}

// maxDepth bounds the walk to the root of the process tree.
const maxDepth = 128

// descends reports whether pid is of child's tree: child itself, of its process
// group, or below it.
func descends(pid, child int) bool {
	for range maxDepth {
		if pid == child {
			return true
		}
		if pid <= 1 {
			return false
		}
		st, ok := statOf(pid)
		if !ok {
			return false
		}
		if st.group == child {
			return true
		}
		pid = st.parent
	}
	return false
}
