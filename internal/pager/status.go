package pager

import "time"

// Status is what the pager does now.
type Status struct {
	Incidents []Page           `json:"incidents"` // open ones, oldest first
	Receivers []ReceiverStatus `json:"receivers"`
	Spool     string           `json:"spool,omitempty"`    // its folder
	Degraded  string           `json:"degraded,omitempty"` // why pages are in memory only; "" where they are on disk
}

// ReceiverStatus is the state of one receiver.
type ReceiverStatus struct {
	Name     string    `json:"name"`
	Kind     string    `json:"kind"`
	Target   string    `json:"target"` // without secrets
	Waiting  int       `json:"waiting"`
	Sent     uint64    `json:"sent"`
	Failed   uint64    `json:"failed"` // tries
	Dropped  uint64    `json:"dropped"`
	LastSent time.Time `json:"last_sent,omitzero"`
	Down     bool      `json:"down"`            // the last try failed
	Error    string    `json:"error,omitempty"` // of the last try, where Down
}

// Status tells what the pager does now. It is safe at any time.
func (p *Pager) Status() Status {
	s := Status{Incidents: []Page{}, Receivers: []ReceiverStatus{}}
	p.mu.Lock()
	s.Incidents = append(s.Incidents, p.ledger.pages()...)
	p.mu.Unlock()
	for _, r := range p.receivers {
		s.Receivers = append(s.Receivers, r.status())
	}
	s.Spool, s.Degraded = p.spool.status()
	return s
}
