package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/reeveproxy/reeve/internal/control"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/pager"
	"github.com/spf13/cobra"
)

// askPatience bounds a command to a running reeve.
const askPatience = 30 * time.Second

// where finds the running reeve: by its state folder, or by the file that
// names it.
type where struct{ state, config string }

func (w *where) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&w.state, "state", "", "state folder of the reeve that is meant")
	cmd.Flags().StringVarP(&w.config, "config", "c", "", "its configuration file, which names the state folder")
}

func (w *where) client() (*control.Client, error) {
	dir := w.state
	if dir == "" && w.config != "" {
		var err error
		if dir, err = stateOf(w.config); err != nil {
			return nil, usageError{err}
		}
	}
	if dir == "" {
		dir = defaultStateDir()
	}
	return &control.Client{Path: socketPath(dir)}, nil
}

// ask sends one command and decodes its answer.
func (w *where) ask(ctx context.Context, method, path string, out any) error {
	c, err := w.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	return c.Do(ctx, method, path, nil, out)
}

// verb is a client verb with the flags that find its reeve.
func verb(use, short string, args cobra.PositionalArgs, run func(cmd *cobra.Command, w *where, args []string) error) *cobra.Command {
	w := new(where)
	cmd := &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error { return run(cmd, w, args) }}
	w.flags(cmd)
	return cmd
}

func statusVerb() *cobra.Command {
	asJSON := false
	cmd := verb("status", "Show what reeve and its proxy do now", cobra.NoArgs, func(cmd *cobra.Command, w *where, _ []string) error {
		var raw json.RawMessage
		if err := w.ask(cmd.Context(), "GET", "/v1/status", &raw); err != nil {
			return err
		}
		if asJSON {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), string(raw))
			return err
		}
		var r Report
		if err := json.Unmarshal(raw, &r); err != nil {
			return fmt.Errorf("read status: %w", err)
		}
		r.print(cmd.OutOrStdout())
		return nil
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	return cmd
}

// told is an event as `reeve events` prints it.
type told struct {
	Seq      uint64         `json:"seq"`
	Time     time.Time      `json:"time"`
	Kind     string         `json:"kind"`
	Severity string         `json:"severity"`
	Facts    map[string]any `json:"facts"`
}

func toldOf(r event.Record) told {
	facts := map[string]any{}
	for _, a := range event.Attrs(r.Event) {
		v := a.Value.Any()
		if d, ok := v.(time.Duration); ok {
			v = d.String()
		}
		facts[a.Key] = v
	}
	return told{Seq: r.Seq, Time: r.Time, Kind: r.Event.Kind(), Severity: event.SeverityOf(r.Event).String(), Facts: facts}
}

func (t told) print(w io.Writer) error {
	keys := make([]string, 0, len(t.Facts))
	for k := range t.Facts {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, " %s=%q", k, fmt.Sprint(t.Facts[k]))
	}
	_, err := fmt.Fprintf(w, "%s %-8s %s%s\n", t.Time.Format("2006-01-02T15:04:05.000Z07:00"), t.Severity, t.Kind, b.String())
	return err
}

func eventsVerb() *cobra.Command {
	follow, asJSON := false, false
	cmd := verb("events", "Show what has happened", cobra.NoArgs, func(cmd *cobra.Command, w *where, _ []string) error {
		c, err := w.client()
		if err != nil {
			return err
		}
		path := "/v1/events"
		if follow {
			path += "?follow"
		}
		return c.Stream(cmd.Context(), "GET", path, nil, func(line json.RawMessage) error {
			if asJSON {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), string(line))
				return err
			}
			var t told
			if err := json.Unmarshal(line, &t); err != nil {
				return fmt.Errorf("read event: %w", err)
			}
			return t.print(cmd.OutOrStdout())
		})
	})
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with events as they happen")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print each as a line of JSON")
	return cmd
}

func restartVerb() *cobra.Command {
	return verb("restart", "End the proxy's life and start the next; connections wait in the backlog", cobra.NoArgs,
		func(cmd *cobra.Command, w *where, _ []string) error {
			return w.ask(cmd.Context(), "POST", "/v1/restart", nil)
		})
}

func reloadVerb() *cobra.Command {
	return verb("reload", "Read the configuration again; a bad one changes nothing", cobra.NoArgs,
		func(cmd *cobra.Command, w *where, _ []string) error {
			var out reloadAnswer
			if err := w.ask(cmd.Context(), "POST", "/v1/reload", &out); err != nil {
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "in force:", out.Changed)
			return err
		})
}

func rotateVerb() *cobra.Command {
	return verb("rotate [LOG]", "Turn a log, or all of them", cobra.MaximumNArgs(1),
		func(cmd *cobra.Command, w *where, args []string) error {
			path := "/v1/rotate"
			if len(args) == 1 {
				path += "?log=" + url.QueryEscape(args[0])
			}
			var out rotateAnswer
			if err := w.ask(cmd.Context(), "POST", path, &out); err != nil {
				return err
			}
			for _, a := range out.Archives {
				fmt.Fprintln(cmd.OutOrStdout(), a)
			}
			return nil
		})
}

func stopVerb() *cobra.Command {
	return verb("stop", "Stop the proxy and reeve", cobra.NoArgs, func(cmd *cobra.Command, w *where, _ []string) error {
		return w.ask(cmd.Context(), "POST", "/v1/stop", nil)
	})
}

func killVerb() *cobra.Command {
	return verb("kill ID", "End one request in flight; `reeve status` lists them", cobra.ExactArgs(1),
		func(cmd *cobra.Command, w *where, args []string) error {
			var out killAnswer
			if err := w.ask(cmd.Context(), "POST", "/v1/kill?id="+url.QueryEscape(args[0]), &out); err != nil {
				return err
			}
			q := out.Request
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "asked the proxy to end request %d: %s %s from %s, %s old\n", q.ID, q.Method, q.Path, q.Client, q.Age.Round(time.Millisecond))
			return err
		})
}

func pageVerb() *cobra.Command {
	cmd := &cobra.Command{Use: "page", Short: "Try the ways in which people are told"}
	cmd.AddCommand(verb("test", "Send a test page to every receiver now", cobra.NoArgs,
		func(cmd *cobra.Command, w *where, _ []string) error {
			var out []pager.TestResult
			if err := w.ask(cmd.Context(), "POST", "/v1/page/test", &out); err != nil {
				return err
			}
			if len(out) == 0 {
				return fmt.Errorf("there is no receiver: see pager.receivers in the configuration")
			}
			failed := 0
			for _, r := range out {
				result := "taken"
				if r.Error != "" {
					result = "FAILED: " + r.Error
					failed++
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s (%s %s): %s in %s\n", r.Receiver, r.Kind, r.Target, result, r.Took.Round(time.Millisecond))
			}
			if failed > 0 {
				return fmt.Errorf("%d of %d receivers did not take the page", failed, len(out))
			}
			return nil
		}))
	return cmd
}
