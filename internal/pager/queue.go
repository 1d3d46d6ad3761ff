package pager

import (
	"cmp"
	"slices"
	"time"
)

// queue holds the news for one receiver: at most one page per incident, the
// newest. It is pure, but for being changed; its receiver holds the lock.
type queue struct {
	max     int
	items   map[string]*waiting // by dedup key
	version uint64
}

func newQueue(limit int) *queue { return &queue{max: limit, items: map[string]*waiting{}} }

// put takes news in and returns the page that made room for it, if any. A page
// that keeps an alert alive never takes the place of news.
func (q *queue) put(w waiting) (item *waiting, dropped *waiting) {
	q.version++
	w.version = q.version
	if old, ok := q.items[w.Page.Key]; ok {
		if w.refresh {
			w.refresh = old.refresh
			w.Page.State, w.Page.By, w.Page.Until = old.Page.State, old.Page.By, old.Page.Until
		}
		if w.refresh || !old.refresh {
			w.Queued, w.Tries = old.Queued, old.Tries
		}
	} else if len(q.items) >= q.max {
		dropped = q.oldest()
		delete(q.items, dropped.Page.Key)
	}
	q.items[w.Page.Key] = &w
	return &w, dropped
}

func (q *queue) oldest() *waiting {
	return q.ordered()[0]
}

// ordered returns the pages, those with real news before mere refreshes in age.
func (q *queue) ordered() []*waiting {
	all := make([]*waiting, 0, len(q.items))
	for _, w := range q.items {
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b *waiting) int {
		return cmp.Or(a.Queued.Compare(b.Queued), cmp.Compare(a.version, b.version))
	})
	return all
}

// take returns copies of up to n pages, oldest first; they stay in the queue
// until settle.
func (q *queue) take(n int) []waiting {
	all := q.ordered()
	out := make([]waiting, 0, min(n, len(all)))
	for _, w := range all[:min(n, len(all))] {
		w.Tries++
		out = append(out, *w)
	}
	return out
}

// settle removes a page that was taken or given up, and tells whether it was
// still the newest of its incident.
func (q *queue) settle(w waiting) bool {
	now, ok := q.items[w.Page.Key]
	if !ok || now.version != w.version {
		return false
	}
	delete(q.items, w.Page.Key)
	return true
}

// expire removes and returns the pages that were queued before the time.
func (q *queue) expire(before time.Time) (old []waiting) {
	for key, w := range q.items {
		if !w.refresh && w.Queued.Before(before) {
			old = append(old, *w)
			delete(q.items, key)
		}
	}
	return old
}
