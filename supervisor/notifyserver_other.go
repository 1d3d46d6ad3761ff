//go:build !linux

package supervisor

import "sync/atomic"

// notifyServer does not exist here: only Linux names the sender of a datagram.
type notifyServer struct {
	addr    string
	refused atomic.Uint64
}

func newNotifyServer(*Supervisor) *notifyServer { return &notifyServer{} }
func (n *notifyServer) start() error            { return nil }
func (n *notifyServer) stop()                   {}
func (n *notifyServer) expect(uint64, int)      {}
