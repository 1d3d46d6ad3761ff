package supervisor

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/scoreboard"
)

// PostMortem is the report about one death, as it stands in its file.
type PostMortem struct {
	Life      uint64    `json:"life"`
	PID       int       `json:"pid"`
	Program   string    `json:"program"` // what it is called
	Argv      []string  `json:"argv"`
	Started   time.Time `json:"started"`
	Ended     time.Time `json:"ended"`
	Uptime    string    `json:"uptime"`
	WasReady  bool      `json:"was_ready"` // at the moment of its end
	Cause     string    `json:"cause"`     // exit or condemned
	Guard     string    `json:"guard,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	Killed    bool      `json:"killed,omitempty"` // it did not obey the stop signal in time
	Status    string    `json:"status"`           // "exit 1", "signal SEGV (core dumped)"
	ExitCode  int       `json:"exit_code"`        // 128 and the signal's number for a signal
	Signal    string    `json:"signal,omitempty"`
	Core      bool      `json:"core_dumped,omitempty"`
	UserCPU   string    `json:"user_cpu"`
	SystemCPU string    `json:"system_cpu"`
	MaxRSS    int64     `json:"max_rss_bytes"`
	Failures  int       `json:"failures"`            // in a row, with this one
	Text      string    `json:"text,omitempty"`      // the child's last STATUS=
	Left      int       `json:"left,omitempty"`      // processes it left behind; a daemon leaves some
	Survivors []int     `json:"survivors,omitempty"` // of those, the pids that could not be ended

	Limits        map[string]string    `json:"limits,omitempty"`
	LastWords     []string             `json:"last_words,omitempty"`
	InFlightTotal int                  `json:"in_flight_total,omitempty"` // all, also those that are not listed
	InFlight      []scoreboard.Request `json:"in_flight,omitempty"`       // the oldest maxInFlight, oldest first
}

// maxInFlight bounds the requests in a report: a board that is full, or that a
// dying writer corrupted, has very many.
const maxInFlight = 100

// took fills in the requests that the life took with it.
func (p *PostMortem) took(all []scoreboard.Request) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b scoreboard.Request) int { return cmp.Compare(b.Age, a.Age) })
	p.InFlightTotal, p.InFlight = len(all), all[:min(len(all), maxInFlight)]
}

func postMortemOf(l *living, program string, argv []string, failures int) PostMortem {
	p := PostMortem{
		Life: l.Number, PID: l.PID, Program: program, Argv: argv, Started: l.Started, Ended: l.endedAt,
		Uptime: l.endedAt.Sub(l.Started).Round(time.Millisecond).String(), WasReady: l.wasReady,
		Cause: string(l.cause), Guard: l.guard, Reason: l.reason, Killed: l.killed,
		Status: l.exit.String(), ExitCode: l.exit.Shell(), Core: l.exit.Core,
		UserCPU: l.exit.User.String(), SystemCPU: l.exit.System.String(), MaxRSS: l.exit.MaxRSS,
		Failures: failures, Text: l.text,
	}
	if l.exit.Signal != 0 {
		p.Signal = SignalName(l.exit.Signal)
	}
	if l.cause == event.CauseExit {
		p.Reason = ""
	}
	return p
}

const (
	postMortemPrefix = "death-"
	postMortemSuffix = ".json"
	// postMortemTime sorts as text; life numbers start anew with each reeve.
	postMortemTime = "20060102T150405.000000Z"
)

// write puts the report into dir under a name of its own, whole or not at all,
// and removes the oldest reports beyond keep.
func (p PostMortem) write(dir string, keep int) (path string, err error) {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return "", fmt.Errorf("write post-mortem: %w", err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", fmt.Errorf("write post-mortem: %w", err)
	}
	name := fmt.Sprintf("%s%s-life-%d%s", postMortemPrefix, p.Ended.UTC().Format(postMortemTime), p.Life, postMortemSuffix)
	path = filepath.Join(dir, name)
	if err := writeWhole(path, append(text, '\n')); err != nil {
		return "", fmt.Errorf("write post-mortem: %w", err)
	}
	prunePostMortems(dir, keep)
	return path, nil
}

func writeWhole(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".death-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // in vain after the rename
	_, err = f.Write(text)
	if err == nil {
		err = f.Chmod(0o640)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// prunePostMortems removes only what carries our own name, oldest first.
// What cannot be removed stays and is tried again after the next death.
func prunePostMortems(dir string, keep int) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	var names []string
	for _, e := range entries {
		if n := e.Name(); e.Type().IsRegular() && strings.HasPrefix(n, postMortemPrefix) && strings.HasSuffix(n, postMortemSuffix) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	for len(names) > keep {
		os.Remove(filepath.Join(dir, names[0]))
		names = names[1:]
	}
}
