package rotate

import (
	"context"
	"fmt"
	"os"

	"github.com/reeveproxy/reeve/internal/config"
)

// pumpStdin is a process that keeps its standard input as the log "out" in the
// folder of its first argument, turning it at the size of the second.
func pumpStdin() int {
	c := config.Default[Config]()
	c.Dir, c.Compress, c.Keep = os.Args[1], compressNone, Keep{}
	if err := c.MaxSize.UnmarshalText([]byte(os.Args[2])); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	k, err := Open(Options{Config: c, Names: []string{"out"}})
	if err == nil {
		err = k.Attach("out", os.Stdin)
	}
	if err == nil {
		err = k.Run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	s := k.Status()[0]
	fmt.Printf("in %d written %d dropped %d turns %d\n", s.In.Lines, s.Written.Lines, s.Dropped.Lines, s.Rotations)
	return 0
}
