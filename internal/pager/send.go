package pager

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// sender hands pages to one receiver. An Alertmanager takes many at once, the
// others get one, which may carry more in Also.
type sender interface {
	send(ctx context.Context, pages []Page) error
	target() string // without secrets
}

var errBadURL = errors.New("not an http or https URL with a host")

// refusal is an answer that trying again does not change.
type refusal struct{ err error }

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// busy is an answer that names its own wait.
type busy struct {
	err   error
	after time.Duration
}

func (b *busy) Error() string { return b.err.Error() }
func (b *busy) Unwrap() error { return b.err }

// sendSafely turns a panic into a refusal: a page must not end PID 1.
func sendSafely(ctx context.Context, s sender, pages []Page) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &refusal{fmt.Errorf("send page: panic: %v", v)}
		}
	}()
	return s.send(ctx, pages)
}
