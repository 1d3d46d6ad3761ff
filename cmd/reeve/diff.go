package main

import "reflect"

// needRestart names the sections that differ between two files and that only
// a new reeve can put into force.
func needRestart(old, next *File) []string {
	var out []string
	for _, s := range []struct {
		name string
		a, b any
	}{
		{"service", old.Service, next.Service}, {"state", old.State, next.State}, {"admin", old.Admin, next.Admin},
		{"journal", old.Journal, next.Journal}, {"listen", old.Listen, next.Listen}, {"limits", old.Limits, next.Limits},
		{"proxy.command", old.Proxy.Command, next.Proxy.Command}, {"proxy.env", old.Proxy.Env, next.Proxy.Env},
		{"proxy.dir", old.Proxy.Dir, next.Proxy.Dir}, {"proxy.reload_signal", old.Proxy.ReloadSignal, next.Proxy.ReloadSignal},
		{"supervisor", old.Supervisor, next.Supervisor}, {"watchdog", old.Watchdog, next.Watchdog},
		{"rotate", old.Rotate, next.Rotate}, {"pager", old.Pager, next.Pager},
	} {
		if !reflect.DeepEqual(s.a, s.b) {
			out = append(out, s.name)
		}
	}
	return out
}
