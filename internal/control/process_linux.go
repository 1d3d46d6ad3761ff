package control

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// startOf is the start time of a process in clock ticks since boot, "" where
// it is gone.
func startOf(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The name in the second field may contain anything, so count from its end.
	end := bytes.LastIndexByte(text, ')')
	if end < 0 {
		return ""
	}
	fields := strings.Fields(string(text[end+1:]))
	if len(fields) < 20 {
		return ""
	}
	return fields[19] // field 22 of the whole line
}

func commandOf(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return ""
	}
	line := strings.Join(strings.Fields(strings.ReplaceAll(string(text), "\x00", " ")), " ")
	if len(line) > 200 {
		line = strings.ToValidUTF8(line[:200], "") + "…"
	}
	return line
}
