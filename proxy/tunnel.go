package proxy

import (
	"io"
	"net"
	"net/http"
	"sync"

	"github.com/reeveproxy/reeve/proxy/member"
)

// tunnel joins the client and a member that agreed to talk WebSocket. The
// request's total time gives way to the tunnel's.
func (x *exchange) tunnel(_ *backend, m *member.Member, resp *http.Response) {
	back, ok := resp.Body.(io.ReadWriteCloser)
	if !ok || !listHas(resp.Header["Upgrade"], "websocket") {
		m.AddError()
		x.answer(http.StatusBadGateway, outcomeMemberError, "the server switched to a protocol that was not asked for")
		return
	}
	conn, buffered, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		x.entry.outcome, x.abort = outcomeClientAbort, true
		return
	}
	x.hijacked = true
	defer conn.Close()
	x.slot.SetDeadline(x.site.config.Times.Tunnel.Std())
	if !x.adopt(func() { conn.Close(); back.Close() }) {
		back.Close()
		return
	}
	h := x.w.Header()
	copyReply(h, resp.Header)
	h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	head := http.Response{StatusCode: resp.StatusCode, ProtoMajor: 1, ProtoMinor: 1, Header: h}
	x.entry.status = resp.StatusCode
	if head.Write(conn) != nil {
		x.entry.outcome = outcomeClientAbort
		back.Close()
		return
	}
	// What the client sent ahead of the switch was read with the request.
	early := io.LimitReader(buffered.Reader, int64(buffered.Reader.Buffered()))
	x.join(conn, io.MultiReader(early, conn), back, m)
	x.whole, x.entry.outcome = true, outcomeOK
	if x.endedBy() != "" {
		x.whole = false
	}
}

// join copies both ways until either side ends.
func (x *exchange) join(client net.Conn, fromClient io.Reader, back io.ReadWriteCloser, m *member.Member) {
	var up sync.WaitGroup
	up.Go(func() {
		n, _ := io.Copy(back, fromClient) // how a tunnel ends is its users' affair
		m.AddSent(n)
		back.Close()
		client.Close()
	})
	_, _ = io.Copy(client, io.TeeReader(back, counter{x, m}))
	back.Close()
	client.Close()
	up.Wait()
}

// counter counts what a tunnel brings to the client.
type counter struct {
	x *exchange
	m *member.Member
}

func (c counter) Write(p []byte) (int, error) {
	c.m.AddReceived(int64(len(p)))
	c.x.slot.SetBytes(c.x.bytes.Add(uint64(len(p))))
	return len(p), nil
}
