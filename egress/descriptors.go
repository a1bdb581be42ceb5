package egress

import (
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Connections of tools must not use up the open files of this process: the monitor needs some, and
// other sandboxes do. So all connections together get three quarters of them at most, and a quarter
// of these is for pipes.
var taken, pipes atomic.Int64

// Open files of one connection: the inner one and the outer one, and a pipe to splice with.
const (
	perConnection = 2
	perPipe       = 2
)

// budget returns how many open files connections may have. getrlimit(2)
func budget() int64 {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) != nil {
		return 256
	}
	return int64(min(l.Cur, 1<<20)) * 3 / 4
}

// takeConnection counts a connection, if there is room for it. leaveConnection gives its place
// back.
func takeConnection() bool { return take(&taken, perConnection, budget()) }

func leaveConnection() { taken.Add(-perConnection) }

// takePipe and leavePipe do the same for a pipe.
func takePipe() bool {
	all := budget()
	if !take(&pipes, perPipe, all/4) {
		return false
	}
	if take(&taken, perPipe, all) {
		return true
	}
	pipes.Add(-perPipe)
	return false
}

func leavePipe() {
	taken.Add(-perPipe)
	pipes.Add(-perPipe)
}

func take(from *atomic.Int64, n, most int64) bool {
	if from.Add(n) <= most {
		return true
	}
	from.Add(-n)
	return false
}
