package manage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
	"sync"
	"time"
)

// Form is a way to write a Status down.
type Form int

// The forms.
const (
	HTML Form = iota // a page
	JSON             // one object
	Auto             // "Key: value" lines
)

// ContentType is the form's media type.
func (f Form) ContentType() string {
	switch f {
	case JSON:
		return "application/json"
	case Auto:
		return "text/plain; charset=utf-8"
	default:
		return "text/html; charset=utf-8"
	}
}

// Render writes the status down.
func (f Form) Render(s Status) ([]byte, error) {
	switch f {
	case JSON:
		out, err := json.MarshalIndent(s, "", "  ")
		return append(out, '\n'), err
	case Auto:
		return auto(s), nil
	default:
		var out bytes.Buffer
		err := page().Execute(&out, s)
		return out.Bytes(), err
	}
}

// auto is made of lines whose keys never hold a colon or a space other than
// those between a pool, a member and what is said of it.
func auto(s Status) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "Name: %s\nUptime: %d\nRequests: %d\nDenied: %d\nDroppedLines: %d\nInFlight: %d\n",
		oneLine(s.Name), int64(s.Uptime.Seconds()), s.Requests, s.Denied, s.Dropped, len(s.InFlight))
	for _, p := range s.Pools {
		fmt.Fprintf(&out, "Pool %s Method: %s\n", oneLine(p.Name), p.Method)
		for _, m := range p.Members {
			at := "Member " + oneLine(p.Name) + " " + oneLine(m.Name)
			fmt.Fprintf(&out, "%[1]s URL: %[2]s\n%[1]s Weight: %[3]g\n%[1]s State: %[4]s\n%[1]s Down: %[5]t\n%[1]s LBStatus: %[6]g\n",
				at, oneLine(m.URL), m.Weight, m.State, m.Down, m.Status)
			fmt.Fprintf(&out, "%[1]s Elected: %[2]d\n%[1]s Busy: %[3]d\n%[1]s Errors: %[4]d\n%[1]s BytesTo: %[5]d\n%[1]s BytesFrom: %[6]d\n",
				at, m.Elected, m.Busy, m.Errors, m.Sent, m.Received)
		}
	}
	return out.Bytes()
}

// oneLine keeps a name from a configuration from breaking the form.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f {
			return '_'
		}
		return r
	}, s)
}

var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("status").Funcs(template.FuncMap{
		"age":   func(d time.Duration) string { return d.Round(time.Millisecond).String() },
		"bytes": size,
	}).Parse(pageText))
})

// size prints a number of bytes for a person.
func size(n uint64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	v, i := float64(n)/unit, 0
	for ; v >= unit && i < 4; i++ {
		v /= unit
	}
	return fmt.Sprintf("%.1f %ciB", v, "KMGTP"[i])
}

const pageText = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Name}} status</title>
<style>
body{font:14px/1.5 system-ui,sans-serif;margin:2em auto;max-width:72em;padding:0 1em;color:#222}
table{border-collapse:collapse;width:100%;margin:.5em 0 2em}
th,td{text-align:left;padding:.25em .6em;border-bottom:1px solid #ddd}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.down{color:#b00020;font-weight:600}.up{color:#0a7d33}
td.path{font-family:ui-monospace,monospace;word-break:break-all}
</style></head><body>
<h1>{{.Name}}</h1>
<p>up {{age .Uptime}} · {{.Requests}} requests · {{len .InFlight}} in flight · {{.Denied}} refused · {{.Dropped}} access lines lost</p>
{{range .Pools}}<h2>Pool {{.Name}} <small>({{.Method}})</small></h2>
<table><tr><th>Member<th>URL<th class=n>Weight<th>State<th class=n>lbstatus<th class=n>Elected<th class=n>Busy<th class=n>Errors<th class=n>To<th class=n>From</tr>
{{range .Members}}<tr><td>{{.Name}}<td>{{.URL}}<td class=n>{{.Weight}}<td>{{if .Down}}<span class=down title="{{.Reason}}">in error</span> (again in {{age .RetryIn}}){{else}}<span class=up>{{.State}}</span>{{end}}<td class=n>{{.Status}}<td class=n>{{.Elected}}<td class=n>{{.Busy}}<td class=n>{{.Errors}}<td class=n>{{bytes .Sent}}<td class=n>{{bytes .Received}}</tr>
{{end}}</table>
{{end}}<h2>Requests in flight</h2>
<table><tr><th class=n>ID<th>Client<th>Method<th>Path<th>Member<th class=n>Age<th class=n>Bytes</tr>
{{range .InFlight}}<tr><td class=n>{{.ID}}<td>{{.Client}}<td>{{.Method}}<td class=path>{{.Path}}<td>{{.Member}}<td class=n>{{age .Age}}<td class=n>{{bytes .Bytes}}</tr>
{{end}}</table>
<p>Also as <a href="?json">JSON</a> and as <a href="?auto">lines</a>.</p>
</body></html>
`
