package rotate

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/testproc"
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

// benchLine is one line of the benchmarks, 150 bytes.
var benchLine = append(bytes.Repeat([]byte("x"), 149), '\n')

// feed writes total bytes of lines in writes of about size bytes.
func feed(w io.Writer, total, size int) error {
	block := bytes.Repeat(benchLine, max(1, size/len(benchLine)))
	for n := total; n > 0; n -= len(block) {
		if _, err := w.Write(block); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkPump is the way of a chunk from the pipe to the file.
func BenchmarkPump(b *testing.B) {
	for _, size := range []int{150, 4 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("write=%d", size), func(b *testing.B) {
			c := testConfig(b)
			c.MaxSize, c.Keep = 64<<20, Keep{Count: 2}
			r := start(b, c)
			w := r.writer()
			block := bytes.Repeat(benchLine, max(1, size/len(benchLine)))
			b.SetBytes(int64(len(block)))
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if _, err := w.Write(block); err != nil {
					b.Fatal(err)
				}
			}
			if err := r.drain(time.Minute); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			if s := r.balanced(); s.Written.Bytes != uint64(b.N*len(block)) {
				b.Fatalf("%v", s)
			}
		})
	}
}

// BenchmarkPeers prints the processor time that reeve and its peers take for
// the same 512 MiB of 150-byte lines, as a ratio to cat, which does not rotate.
// Each benchmark's peer runs right beside a cat of its own.
//
//	go test -run '^$' -bench Peers -benchtime 3x ./rotate
func BenchmarkPeers(b *testing.B) {
	const limit = "67108864"
	peers := []struct {
		name string
		cmd  func(b *testing.B, dir string) *exec.Cmd
	}{
		{"reeve", func(b *testing.B, dir string) *exec.Cmd {
			return testproc.Command("pump-stdin", filepath.Join(dir, "logs"), limit)
		}},
		{"multilog", func(b *testing.B, dir string) *exec.Cmd {
			return exec.Command(testproc.Need(b, "multilog"), "s16777215", "n100", filepath.Join(dir, "logs"))
		}},
		{"s6-log", func(b *testing.B, dir string) *exec.Cmd {
			return exec.Command(testproc.Need(b, "s6-log"), "n100", "s"+limit, filepath.Join(dir, "logs"))
		}},
		{"svlogd", func(b *testing.B, dir string) *exec.Cmd {
			logs := filepath.Join(dir, "logs")
			must(b, os.MkdirAll(logs, 0o700))
			must(b, os.WriteFile(filepath.Join(logs, "config"), []byte("s"+limit+"\nn100\n"), 0o600))
			return exec.Command(testproc.Need(b, "svlogd"), logs)
		}},
		{"rotatelogs", func(b *testing.B, dir string) *exec.Cmd {
			return exec.Command(testproc.Need(b, "rotatelogs"), filepath.Join(dir, "log"), "64M")
		}},
	}
	for _, size := range []int{64 << 10, 150} {
		for _, peer := range peers {
			b.Run(fmt.Sprintf("write=%d/%s", size, peer.name), func(b *testing.B) {
				var mine, cats time.Duration
				for range b.N {
					cats += processorTime(b, size, func(dir string) *exec.Cmd {
						cmd := exec.Command(testproc.Need(b, "cat"))
						out, err := os.Create(filepath.Join(dir, "out"))
						must(b, err)
						b.Cleanup(func() { out.Close() })
						cmd.Stdout = out
						return cmd
					})
					mine += processorTime(b, size, func(dir string) *exec.Cmd { return peer.cmd(b, dir) })
				}
				b.ReportMetric(mine.Seconds()/float64(b.N), "cpu-s")
				b.ReportMetric(mine.Seconds()/cats.Seconds(), "x-cat")
			})
		}
	}
}

// processorTime is user and system time of the command for 512 MiB of input.
func processorTime(b *testing.B, size int, command func(dir string) *exec.Cmd) time.Duration {
	b.Helper()
	dir, err := os.MkdirTemp(b.TempDir(), "")
	must(b, err)
	defer os.RemoveAll(dir)
	cmd := command(dir)
	in, err := cmd.StdinPipe()
	must(b, err)
	must(b, cmd.Start())
	must(b, feed(in, 512<<20, size))
	must(b, in.Close())
	must(b, cmd.Wait())
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}
