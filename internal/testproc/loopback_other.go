//go:build !linux

package testproc

const wholeNet = false
