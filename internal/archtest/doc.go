// Package archtest holds the rules of the house as tests: who may import whom,
// that every package and every exported name says what it is, and that each
// library stays behind its fence. A rule that is not a test is a wish.
package archtest
