package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/rlimit"
	"github.com/reeveproxy/reeve/rotate"
	"github.com/spf13/cobra"
)

// checkVerb answers, before anything starts, what would be wrong with it.
func checkVerb() *cobra.Command {
	var path string
	var explain, schema bool
	cmd := &cobra.Command{
		Use:   "check [-c FILE]",
		Short: "Check a configuration and say all that is wrong with it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			if schema {
				text, err := config.Schema(new(File))
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(out, string(text))
				return err
			}
			f, _, err := loadFile(path)
			if err != nil {
				return usageError{err}
			}
			warnings, err := checkHost(f)
			if err != nil {
				return usageError{err}
			}
			for _, w := range warnings {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning: "+w)
			}
			if explain {
				return config.Explain(out, f)
			}
			name := path
			if name == "" {
				name = "the embedded default"
			}
			_, err = fmt.Fprintf(out, "%s: good\n", name)
			return err
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", "", "configuration file; without it the embedded default is checked")
	cmd.Flags().BoolVar(&explain, "explain", false, "print the effective configuration with every default")
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON schema of the file, for editors")
	return cmd
}

// checkHost holds a configuration that is right in itself against this
// machine: limits that the kernel would refuse, a command that is not there.
func checkHost(f *File) (warnings []string, err error) {
	var p config.Problems
	set, err := f.wantedLimits()
	if err != nil {
		p.Under("limits", err)
	}
	p.Under("limits", set.Check())
	program, err := childProgram(f)
	if err != nil {
		p.Add("proxy.command", "%v", err)
	} else if w := rlimit.WarnGo(program, set); w != "" {
		warnings = append(warnings, w)
	}
	warnings = append(warnings, rlimit.Warn(set, true, os.Geteuid() == 0)...)
	if b := f.Proxy.Builtin; b != nil && f.Supervisor.StopTimeout < b.Drain+drainMargin {
		warnings = append(warnings, fmt.Sprintf("supervisor.stop_timeout %s is less than proxy.builtin.drain (%s) and the %s that the proxy needs after it: its last requests may be cut", f.Supervisor.StopTimeout, b.Drain, drainMargin))
	}
	warnings = append(warnings, scheduleWarnings(f.Rotate)...)
	if f.Admin.Listen != "off" && !loopback(f.Admin.Listen) {
		warnings = append(warnings, fmt.Sprintf("admin.listen %s is not a loopback address, and the admin pages ask nobody who they are", f.Admin.Listen))
	}
	return warnings, p.Err()
}

// drainMargin is what the built-in proxy may take after its drain: to cut what
// is left, and to write the last lines of its access log.
const drainMargin = config.Duration(4 * time.Second)

// scheduleWarnings are about schedules that mean something else than most
// people think.
func scheduleWarnings(c rotate.Config) []string {
	var out []string
	specs := slices.Clone(c.Schedule)
	for _, l := range c.Logs {
		specs = append(specs, l.Schedule...)
	}
	for _, spec := range specs {
		s, err := rotate.ParseSchedule(spec, nil)
		if err != nil {
			continue // told as a problem already
		}
		if w := s.Warn(); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// childProgram is the path of the program that the child will be.
func childProgram(f *File) (string, error) {
	if f.Proxy.Builtin != nil {
		return selfPath()
	}
	path, err := exec.LookPath(f.Proxy.Command[0])
	if err != nil {
		return "", fmt.Errorf("cannot run %q: %w", f.Proxy.Command[0], err)
	}
	return path, nil
}
