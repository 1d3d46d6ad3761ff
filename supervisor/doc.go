// Package supervisor owns one child for ever.
package supervisor
