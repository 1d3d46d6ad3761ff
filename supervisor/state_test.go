package supervisor

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// reachable returns every spot that the machine can be in.
func reachable() []spot {
	found := []spot{{Launching, retry}}
	for i := 0; i < len(found); i++ {
		for _, in := range inputs {
			if to, _ := next(found[i], in); !slices.Contains(found, to) {
				found = append(found, to)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b spot) int {
		return slices.Index(states[:], a.state) - slices.Index(states[:], b.state)
	})
	return found
}

func (p spot) String() string {
	if p.then == retry {
		return string(p.state)
	}
	return string(p.state) + "/" + string(p.then)
}

func renderTable() string {
	var b strings.Builder
	for _, at := range reachable() {
		for _, in := range inputs {
			to, act := next(at, in)
			if to == at && act == doNothing {
				fmt.Fprintf(&b, "%-15s %-13s ignored\n", at, in)
				continue
			}
			fmt.Fprintf(&b, "%-15s %-13s %-15s %s\n", at, in, to, act)
		}
	}
	return b.String()
}

// renderDoc is the short table of the package documentation: for each state the
// inputs that lead out of it.
func renderDoc() string {
	var b strings.Builder
	for _, st := range states {
		byTarget := map[State][]string{}
		var order []State
		for _, in := range inputs {
			to, _ := next(spot{st, retry}, in)
			if to.state == st {
				continue
			}
			if byTarget[to.state] == nil {
				order = append(order, to.state)
			}
			byTarget[to.state] = append(byTarget[to.state], string(in))
		}
		var parts []string
		for _, to := range order {
			parts = append(parts, strings.Join(byTarget[to], ",")+" → "+string(to))
		}
		line := strings.TrimRight(fmt.Sprintf("//	%-9s  %s", st, strings.Join(parts, " · ")), " ")
		b.WriteString(line + "\n")
	}
	return b.String()
}

func TestStatesGolden(t *testing.T) {
	golden := filepath.Join("testdata", "states.golden")
	got := renderTable()
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the table of states changed (-update writes it):\n%s", got)
	}
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), renderDoc()) {
		t.Errorf("doc.go does not hold this table:\n%s", renderDoc())
	}
}

// Never stuck: in every spot that can be reached there is a child, a helper that
// is bound to answer, or a timer; and whatever that one brings leads on.
func TestEveryStateHasAWayOut(t *testing.T) {
	brings := map[State][]input{
		Launching: {launched, launchFailed},
		Starting:  {exited},
		Running:   {exited},
		Stopping:  {exited, deadline},
		Killing:   {exited}, // deadline repeats the KILL
		Sweeping:  {swept},
		Waiting:   {deadline},
		Resting:   {deadline},
	}
	for _, at := range reachable() {
		if at.state == Stopped {
			continue
		}
		if len(brings[at.state]) == 0 {
			t.Errorf("%s: nothing is bound to happen", at)
		}
		for _, in := range brings[at.state] {
			if to, act := next(at, in); to.state == at.state && act == doNothing {
				t.Errorf("%s ignores %s, which is all that may ever come", at, in)
			}
		}
	}
}

// From every spot a stop leads to the end with nothing but what is bound to
// happen, and never through another launch.
func TestStopAlwaysEnds(t *testing.T) {
	for _, at := range reachable() {
		start := at
		at, act := next(at, stopAsked)
		for range 10 {
			if at.state == Stopped {
				break
			}
			if act == doLaunch {
				t.Fatalf("%s: a stop led to a launch", start)
			}
			in := map[State]input{Launching: launched, Starting: exited, Running: exited, Stopping: deadline, Killing: exited, Sweeping: swept}[at.state]
			at, act = next(at, in)
		}
		if at.state != Stopped {
			t.Errorf("%s: a stop ends in %s", start, at)
		}
	}
}
