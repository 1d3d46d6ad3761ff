package proxy

import (
	"net/http"

	"github.com/reeveproxy/reeve/proxy/manage"
)

// status serves the status page: HTML, ?json or ?auto. Who may see it is
// decided by the connection's own address, whatever its headers say.
func (x *exchange) status() {
	if !x.site.mayManage(x.conn.peer) {
		x.answer(http.StatusForbidden, outcomeRefused, "the status page is not for this address")
		return
	}
	if x.r.Method != http.MethodGet && x.r.Method != http.MethodHead {
		x.w.Header().Set("Allow", "GET, HEAD")
		x.answer(http.StatusMethodNotAllowed, outcomeRefused, "the status page can be read only")
		return
	}
	form := manage.HTML
	switch x.target.query {
	case "json":
		form = manage.JSON
	case "auto":
		form = manage.Auto
	}
	body, err := form.Render(x.server.Status())
	if err != nil {
		x.answer(http.StatusInternalServerError, outcomePanic, "the status page could not be made")
		return
	}
	x.unlogged = true
	h := x.w.Header()
	h.Set("Content-Type", form.ContentType())
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	x.entry.outcome = outcomeOK
	x.send(http.StatusOK, body)
}
