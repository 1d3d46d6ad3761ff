package pager

import (
	"context"
	"sync"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// TestResult is what came of a test page at one receiver.
type TestResult struct {
	Receiver string        `json:"receiver"`
	Kind     string        `json:"kind"`
	Target   string        `json:"target"` // without secrets
	Took     time.Duration `json:"took"`
	Error    string        `json:"error,omitempty"` // "" where it was taken
}

// Test sends a test page to every receiver at once, past its budget and its
// spool, and tells what came of each. It needs no Run. The error is ctx's.
func (p *Pager) Test(ctx context.Context, by string) ([]TestResult, error) {
	p.events.Emit(event.PageTested{By: by})
	page := p.testPage(by, time.Now())
	results := make([]TestResult, len(p.receivers))
	var wg sync.WaitGroup
	for i, r := range p.receivers {
		wg.Go(func() { results[i] = r.test(ctx, page) })
	}
	wg.Wait()
	return results, ctx.Err()
}

func (p *Pager) testPage(by string, now time.Time) Page {
	d, _ := event.Lookup(event.PageTested{}.Kind())
	return Page{
		Key: p.ledger.key(event.IncidentID{Kind: d.Kind()}), State: Test, Kind: d.Kind(), Severity: d.Severity.String(),
		Host: p.o.Host, Service: p.o.Service, Summary: summary(p.o.Service, "", d.Meaning), Do: d.Do,
		Since: now, By: by, Count: 1, Facts: facts(event.PageTested{By: by}),
	}
}

func (r *receiver) test(ctx context.Context, page Page) TestResult {
	res := TestResult{Receiver: r.name, Kind: r.kind, Target: r.sender.target()}
	start := time.Now()
	if err := sendSafely(ctx, r.sender, []Page{page}); err != nil {
		res.Error = err.Error()
	}
	res.Took = time.Since(start)
	return res
}
