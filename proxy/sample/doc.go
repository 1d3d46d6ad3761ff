// Package sample is a member to try a proxy with: small, honest about which
// member answered, and able to misbehave in the ways a proxy must survive.
package sample
