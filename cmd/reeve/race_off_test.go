//go:build !race

package main

// raceFlags makes the program under test as strict as the test itself.
var raceFlags []string
