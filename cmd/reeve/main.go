package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	// A container made from scratch has no zone files, and schedules name zones.
	_ "time/tzdata"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/control"
	"github.com/reeveproxy/reeve/supervisor"
	"github.com/spf13/cobra"
)

// The exit codes that are reeve's own.
const (
	exitFailure = 1
	exitUsage   = 2
)

// usageError is a mistake of whoever called: arguments or configuration.
type usageError struct{ error }

// Unwrap returns the mistake itself.
func (e usageError) Unwrap() error { return e.error }

func main() {
	err := root().ExecuteContext(context.Background())
	if err != nil && !errors.As(err, new(*supervisor.Ended)) {
		tell(os.Stderr, sentence(err))
	}
	os.Exit(exitCode(err))
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reeve",
		Short: "The init process and watchdog of a load-balancing proxy",
		Long: "reeve starts one proxy under limits, asks it real requests, kills requests that run\n" +
			"away, restarts what hangs without refusing a connection, rotates logs and pages people.\n\n" +
			"`reeve run` alone starts the built-in proxy over three sample members.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w\nsee `%s --help`", err, c.CommandPath())}
	})
	cmd.AddCommand(runVerb(), proxyVerb(), execVerb(), checkVerb(), versionVerb(), statusVerb(), eventsVerb(),
		restartVerb(), reloadVerb(), rotateVerb(), stopVerb(), killVerb(), pageVerb())
	return cmd
}

// exitCode turns the end of a verb into the program's exit code.
func exitCode(err error) int {
	var ended *supervisor.Ended
	var exec *supervisor.ExecError
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &ended):
		return ended.Code
	case errors.As(err, &exec):
		return exec.Code
	case errors.As(err, &usage), isCobraUsage(err):
		return exitUsage
	case len(config.List(err)) > 0 && errors.As(err, new(*config.Problem)):
		return exitUsage
	default:
		return exitFailure
	}
}

// isCobraUsage recognises the mistakes that cobra reports without a type.
func isCobraUsage(err error) bool {
	for _, start := range []string{"unknown command", "accepts ", "requires at least", "requires at most"} {
		if strings.HasPrefix(err.Error(), start) {
			return true
		}
	}
	return false
}

// sentence is the error as the operator reads it.
func sentence(err error) string {
	var refused *control.Error
	if errors.As(err, &refused) {
		return "reeve: " + refused.Message
	}
	return "reeve: " + err.Error()
}
