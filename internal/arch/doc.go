// Package arch holds the test of the repository's import rules (data flows one
// way; each kernel library has one door). It has no code.
package arch
