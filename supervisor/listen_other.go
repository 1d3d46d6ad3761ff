//go:build !linux

package supervisor

import (
	"errors"
	"net"
	"os"
	"syscall"
)

func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// listenTCP cannot set the backlog on this system; the kernel's limit holds.
func listenTCP(address string, _ int) (*Listener, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	defer ln.Close()
	f, err := ln.(*net.TCPListener).File()
	if err != nil {
		return nil, err
	}
	return &Listener{file: f, addr: ln.Addr()}, nil
}

func listenUnix(path string, _ int) (*Listener, error) {
	if err := clearPath(path); err != nil {
		return nil, err
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	ln.SetUnlinkOnClose(false)
	defer ln.Close()
	if err := os.Chmod(path, 0o660); err != nil {
		return nil, err
	}
	made, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	f, err := ln.File()
	if err != nil {
		return nil, err
	}
	return &Listener{file: f, addr: ln.Addr(), path: path, made: made}, nil
}
