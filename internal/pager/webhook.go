package pager

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"text/template"
	"time"
)

// webhook posts a page to any URL.
type webhook struct {
	*poster
	body *template.Template // nil is the page as JSON
}

func (w *webhook) send(ctx context.Context, pages []Page) error {
	p := digest(pages)
	if w.body == nil {
		text, err := json.Marshal(p)
		if err != nil {
			return &refusal{fmt.Errorf("encode page: %w", err)}
		}
		return w.post(ctx, "application/json", text)
	}
	var text bytes.Buffer
	if err := w.body.Execute(&text, p); err != nil {
		return &refusal{fmt.Errorf("fill template: %w", err)}
	}
	kind := "text/plain; charset=utf-8"
	if json.Valid(text.Bytes()) {
		kind = "application/json"
	}
	return w.post(ctx, kind, text.Bytes())
}

// digest puts several pages into the first of them.
func digest(pages []Page) Page {
	p := pages[0]
	p.Also = pages[1:]
	return p
}

// parseTemplate also fills the template once, because most mistakes (a field
// that does not exist) show only then.
func parseTemplate(text string) (*template.Template, error) {
	t, err := template.New("template").Funcs(template.FuncMap{"json": toJSON}).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	sample := Page{State: Firing, Kind: "disk_low", Since: time.Unix(0, 0), Facts: map[string]any{}, Also: []Page{{}}}
	if err := t.Execute(&bytes.Buffer{}, sample); err != nil {
		return nil, fmt.Errorf("fill template: %w", err)
	}
	return t, nil
}

func toJSON(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}
