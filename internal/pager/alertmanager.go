package pager

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// alertmanager speaks the v2 API of Prometheus Alertmanager.
type alertmanager struct {
	*poster
	life time.Duration // an alert that is not sent again ends after it
}

// alert is one element of POST /api/v2/alerts.
type alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
}

// testLife is how long a test page stays visible.
const testLife = 5 * time.Minute

func (a *alertmanager) send(ctx context.Context, pages []Page) error {
	alerts := make([]alert, 0, len(pages))
	for _, p := range pages {
		alerts = append(alerts, newAlert(p, time.Now(), a.life))
	}
	body, err := json.Marshal(alerts)
	if err != nil {
		return &refusal{fmt.Errorf("encode alerts: %w", err)}
	}
	return a.post(ctx, "application/json", body)
}

// newAlert keeps the labels the same from the first news to the last: they are
// the alert's identity. What changes is in the annotations.
func newAlert(p Page, now time.Time, life time.Duration) alert {
	a := alert{
		Labels: map[string]string{
			"alertname": p.Kind, "severity": p.Severity, "service": p.Service, "instance": p.Host, "job": "reeve",
		},
		Annotations: map[string]string{
			"summary": p.Summary, "description": p.Do, "count": strconv.Itoa(p.Count), "dedup_key": p.Key,
		},
		StartsAt: p.Since,
	}
	if p.Subject != "" {
		a.Labels["subject"] = p.Subject
	}
	if p.Flapping {
		a.Annotations["flapping"] = "true"
	}
	if p.By != "" {
		a.Annotations["by"] = p.By
	}
	if text, err := json.Marshal(p.Facts); err == nil && len(p.Facts) > 0 {
		a.Annotations["facts"] = string(text)
	}
	for k, v := range p.Evidence {
		a.Annotations["evidence_"+labelName(k)] = v
	}
	switch p.State {
	case Resolved:
		a.EndsAt = p.Until
	case Test:
		a.EndsAt = now.Add(testLife)
	default:
		a.EndsAt = now.Add(life)
	}
	if a.EndsAt.Before(a.StartsAt) { // a clock was set back
		a.StartsAt = a.EndsAt
	}
	return a
}

// labelName turns any text into the rest of a label's name.
func labelName(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, s)
}
