// Package lifecycle tests how a run ends when something goes wrong. Whichever process is killed,
// and whatever stdin, stdout or stderr are, no process survives, nothing hangs and nothing is left
// behind.
package lifecycle
