package pager

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/testproc"
)

// A disk that is full, then read-only, then good again.
func TestAFullAndAReadOnlyDisk(t *testing.T) {
	testproc.NeedRoot(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=700"); err != nil {
		testproc.Lack(t, "cannot mount a tmpfs: "+err.Error())
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		h := open(t, Options{Dir: dir, Transport: w, Config: opsConfig()})
		h.hub.Emit(event.DiskFull{Path: dir})
		synctest.Wait()
		if s := h.pager.Status(); len(w.to("ops.test")) != 1 || !strings.Contains(s.Degraded, "no space left") {
			t.Errorf("full: %d posts, degraded %q", len(w.to("ops.test")), s.Degraded)
		}
		os.Remove(ballast)
		if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		h.hub.Emit(event.PoolEmpty{Pool: "a"})
		synctest.Wait()
		if s := h.pager.Status(); len(w.to("ops.test")) != 2 || !strings.Contains(s.Degraded, "read-only") {
			t.Errorf("read-only: %d posts, degraded %q", len(w.to("ops.test")), s.Degraded)
		}
		if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT, ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := h.pager.Status(); s.Degraded != "" {
			t.Errorf("good again: degraded %q", s.Degraded)
		}
		text, err := os.ReadFile(filepath.Join(dir, "spool", incidentsFile))
		if err != nil || !strings.Contains(string(text), "pool_empty") || !strings.Contains(string(text), "disk_full") {
			t.Errorf("incidents on disk: %s %v", text, err)
		}
		h.close(t)
	})
}
