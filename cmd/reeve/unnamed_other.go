//go:build !linux

package main

import "os"

// unnamedFile is a temporary file whose name readOnly takes away.
func unnamedFile(name string) (*os.File, error) { return os.CreateTemp("", name) }

// readOnly opens the file anew, for reading only, and removes its name.
func readOnly(f *os.File) (*os.File, error) {
	r, err := os.Open(f.Name())
	if err != nil {
		return nil, err
	}
	return r, os.Remove(f.Name())
}

// selfPath is this program's file.
func selfPath() (string, error) { return os.Executable() }

func setName(string) {}
