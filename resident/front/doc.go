// Package front is the caller's side of `mcpbox run --resident`. It is C, in a function that runs
// before the Go runtime starts: that start alone would cost more than the whole call.
//
//	import _ "github.com/mcpbox/mcpbox/resident/front"
//
// If the first word of the command line is `run` or `code`, and --resident is among the flags or
// MCPBOX_RESIDENT is 1, it looks for this user's resident. It hands it the command line, the
// environment, the working directory and stdin, stdout and stderr, passes signals on, and exits as
// the program does. In every other case, and whenever anything fails before the resident has the
// command, it returns, and the ordinary start follows.
//
// What travels is in package resident, protocol.go. Both are of one executable, which is part of
// the socket's name. unix(7), signalfd(2)
package front

import "C" // the constructor is in front.c
