package control

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/testproc"
)

func TestTheSecondHolderLearnsWhoTheFirstIs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "deep")
	first := start(t, "hold-lock", dir)
	if first.said != "held, stale 0\n" {
		t.Fatal(first.said)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v %v, want mode 0700", info.Mode(), err)
	}
	_, err = Lock(dir)
	var held *HeldError
	if !errors.As(err, &held) {
		t.Fatalf("second lock: %v", err)
	}
	if held.PID != first.cmd.Process.Pid || held.Dir != dir || time.Since(held.Since) > time.Hour {
		t.Errorf("%+v, want pid %d", held, first.cmd.Process.Pid)
	}
	if runtime.GOOS == "linux" && !strings.Contains(held.Command, dir) {
		t.Errorf("command line %q", held.Command)
	}
	if text := err.Error(); !strings.Contains(text, fmt.Sprintf("pid %d (", held.PID)) || !strings.Contains(text, "since 20") {
		t.Errorf("error %q", text)
	}
}

func TestAKilledHolderIsTakenOver(t *testing.T) {
	dir := t.TempDir()
	first := start(t, "hold-lock", dir)
	first.cmd.Process.Kill()
	first.cmd.Wait()
	l, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.Stale() != first.cmd.Process.Pid || l.Dir() != dir {
		t.Errorf("stale %d, want %d", l.Stale(), first.cmd.Process.Pid)
	}
}

func TestAGivenBackLockIsNotStale(t *testing.T) {
	dir := t.TempDir()
	for range 3 {
		l, err := Lock(dir)
		if err != nil || l.Stale() != 0 {
			t.Fatalf("%v, stale %d", err, l.Stale())
		}
		if _, err := Lock(dir); err == nil {
			t.Fatal("a second lock in the same process")
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// The signature of a dead holder whose PID lives again must not be believed.
func TestAReusedPIDIsNotCalledTheHolder(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("process start times are read on linux only")
	}
	dir := t.TempDir()
	l, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.file.Truncate(0)
	l.file.WriteAt([]byte(`{"pid":1,"start":"99999999999"}`), 0)
	_, err = Lock(dir)
	var held *HeldError
	if !errors.As(err, &held) || held.PID != 0 || !strings.Contains(err.Error(), "another process") {
		t.Errorf("%v", err)
	}
}

func TestFoldersThatAreRefused(t *testing.T) {
	real := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, nil, 0o600)
	open := t.TempDir()
	os.Chmod(open, 0o777)
	trap := t.TempDir()
	os.Symlink(file, filepath.Join(trap, "lock"))
	for dir, want := range map[string]string{
		link: "symbolic link", file: "not a", open: "others may write", trap: "open lock",
		filepath.Join(file, "x"): "not a directory", link + "/missing/../..": "",
	} {
		l, err := Lock(dir)
		if want == "" {
			if err == nil {
				l.Close()
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v, want %q", dir, err, want)
		}
	}
	dangling := filepath.Join(t.TempDir(), "dangling")
	os.Symlink(filepath.Join(real, "nothing"), dangling)
	if _, err := Lock(dangling); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("dangling: %v", err)
	}
}

func TestAForeignFolderIsRefused(t *testing.T) {
	testproc.NeedRoot(t)
	dir := t.TempDir()
	if err := os.Chown(dir, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(dir); err == nil || !strings.Contains(err.Error(), "belongs to uid 65534") {
		t.Errorf("%v", err)
	}
}

func FuzzSignature(f *testing.F) {
	f.Add([]byte(`{"pid":1,"start":"7","since":"2024-01-01T00:00:00Z"}`))
	f.Add([]byte(`{"pid":-1}`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := os.CreateTemp(dir, "lock")
		if err != nil {
			t.Fatal(err)
		}
		defer os.Remove(file.Name())
		defer file.Close()
		file.Write(text)
		if h, ok := (&StateLock{file: file}).read(); ok && h.PID <= 0 {
			t.Fatalf("believed %+v", h)
		}
	})
}
