// Package lifecycle holds tests of how a run ends when something goes wrong
// around it: whoever is killed, and whatever stdin, stdout or stderr are, no
// process survives, nothing hangs and nothing is left behind.
package lifecycle
