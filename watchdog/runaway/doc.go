// Package runaway ends requests that take too long.
package runaway
