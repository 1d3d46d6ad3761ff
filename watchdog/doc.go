// Package watchdog decides that a life of the child is not worth living.
package watchdog
