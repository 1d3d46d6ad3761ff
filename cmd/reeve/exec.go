package main

import (
	"fmt"
	"os"

	"github.com/reeveproxy/reeve/rlimit"
	"github.com/reeveproxy/reeve/supervisor"
	"github.com/spf13/cobra"
)

// execVerb is the shim that every life is started through, and a tool of its
// own: it sets limits on itself and becomes the command.
func execVerb() *cobra.Command {
	var limits []string
	cmd := &cobra.Command{
		Use:   "exec [--limit NAME=SOFT[:HARD]]... -- COMMAND [ARG]...",
		Short: "Run a command under resource limits",
		Long: "exec sets the limits on itself and then becomes the command: same process, same\n" +
			"descriptors, no moment at which the command runs without them.",
		Example: "  reeve exec --limit cpu=120:360 --limit nofile=1024 -- ./worker",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := parseLimits(limits)
			if err != nil {
				return usageError{err}
			}
			return supervisor.Shim(args, os.Environ(), func(path string, argv, env []string) error {
				return rlimit.Exec(set, path, argv, env)
			})
		},
	}
	cmd.Flags().StringArrayVar(&limits, "limit", nil, "a limit such as nofile=4096:8192 or as=2GiB; may be repeated")
	return cmd
}

func parseLimits(flags []string) (rlimit.Set, error) {
	set, err := rlimit.ParseFlags(flags)
	if err != nil {
		return nil, err
	}
	if err := set.Check(); err != nil {
		return nil, fmt.Errorf("cannot set the limits: %w", err)
	}
	return set, nil
}
