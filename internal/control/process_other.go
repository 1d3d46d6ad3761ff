//go:build !linux

package control

// startOf is not known on this system: a PID alone names the holder.
func startOf(int) string { return "" }

// commandOf is not known on this system.
func commandOf(int) string { return "" }
