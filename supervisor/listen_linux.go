package supervisor

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func isRefused(err error) bool { return errors.Is(err, unix.ECONNREFUSED) }

// listenTCP makes the socket by hand: one that the net package made would be
// set to blocking by passing it to a child, for all who share it.
func listenTCP(address string, backlog int) (*Listener, error) {
	tcp, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, err
	}
	family, sa := sockaddr(tcp)
	file, err := bindListen(family, sa, address, backlog)
	if errors.Is(err, unix.EAFNOSUPPORT) && family == unix.AF_INET6 && tcp.IP == nil {
		tcp.IP = net.IPv4zero
		family, sa = sockaddr(tcp)
		file, err = bindListen(family, sa, address, backlog)
	}
	if err != nil {
		if errors.Is(err, unix.EADDRINUSE) {
			if who := holder(tcp.Port); who != "" {
				err = fmt.Errorf("%w: held by %s", err, who)
			}
		}
		return nil, err
	}
	addr, err := localAddr(file)
	if err != nil {
		file.Close()
		return nil, err
	}
	return &Listener{file: file, addr: addr}, nil
}

// sockaddr prefers IPv6 for no address at all: that socket takes both.
func sockaddr(tcp *net.TCPAddr) (family int, sa unix.Sockaddr) {
	if ip4 := tcp.IP.To4(); ip4 != nil {
		return unix.AF_INET, &unix.SockaddrInet4{Port: tcp.Port, Addr: [4]byte(ip4)}
	}
	sa6 := &unix.SockaddrInet6{Port: tcp.Port}
	copy(sa6.Addr[:], tcp.IP.To16())
	if tcp.Zone != "" {
		if i, err := net.InterfaceByName(tcp.Zone); err == nil {
			sa6.ZoneId = uint32(i.Index)
		}
	}
	return unix.AF_INET6, sa6
}

func listenUnix(path string, backlog int) (*Listener, error) {
	if err := clearPath(path); err != nil {
		return nil, err
	}
	file, err := bindListen(unix.AF_UNIX, &unix.SockaddrUnix{Name: path}, path, backlog)
	if err != nil {
		return nil, err
	}
	made, err := os.Lstat(path)
	if err == nil {
		err = os.Chmod(path, 0o660)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return &Listener{file: file, addr: &net.UnixAddr{Name: path, Net: "unix"}, path: path, made: made}, nil
}

func bindListen(family int, sa unix.Sockaddr, name string, backlog int) (*os.File, error) {
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := prepare(fd, family, sa, backlog); err != nil {
		unix.Close(fd)
		return nil, err
	}
	// A File made of a non-blocking descriptor would join our own poller, and
	// every connection to the child would wake us too. Made of a blocking one
	// it does not, and Fd leaves alone what is set after.
	f := os.NewFile(uintptr(fd), name)
	if err := unix.SetNonblock(fd, true); err != nil {
		f.Close()
		return nil, os.NewSyscallError("fcntl", err)
	}
	return f, nil
}

func prepare(fd, family int, sa unix.Sockaddr, backlog int) error {
	switch family {
	case unix.AF_UNIX:
		// The path gets its mode from the socket: it is never wider than this.
		if err := unix.Fchmod(fd, 0o660); err != nil {
			return os.NewSyscallError("fchmod", err)
		}
	case unix.AF_INET6:
		only := 1
		if sa.(*unix.SockaddrInet6).Addr == [16]byte{} {
			only = 0
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
		fallthrough
	default:
		// Or connections of the last listener would hold the port for a minute.
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if err := unix.Bind(fd, sa); err != nil {
		return os.NewSyscallError("bind", err)
	}
	return os.NewSyscallError("listen", unix.Listen(fd, backlog))
}

func localAddr(f *os.File) (net.Addr, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	var sa syscall.Sockaddr
	var serr error
	if err := raw.Control(func(fd uintptr) { sa, serr = syscall.Getsockname(int(fd)) }); err != nil {
		return nil, err
	}
	if serr != nil {
		return nil, os.NewSyscallError("getsockname", serr)
	}
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		return &net.TCPAddr{IP: sa.Addr[:], Port: sa.Port}, nil
	case *syscall.SockaddrInet6:
		return &net.TCPAddr{IP: sa.Addr[:], Port: sa.Port}, nil
	}
	return nil, fmt.Errorf("internal error: socket address of type %T", sa)
}
