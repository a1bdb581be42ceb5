package main

import (
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// spin uses one core for this many seconds.
func spin(seconds int) {
	for end := time.Now().Add(time.Duration(seconds) * time.Second); time.Now().Before(end); {
	}
}

// burn works until this process has used this many milliseconds of CPU time, however long that
// takes.
func burn(ms int) {
	var used unix.Timespec
	for used.Nano() < int64(ms)*int64(time.Millisecond) {
		if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &used); err != nil {
			panic(err)
		}
	}
}

// linger waits for the end of stdin, for at most this many seconds.
func linger(seconds int) {
	eof := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(eof)
	}()
	select {
	case <-eof:
	case <-time.After(time.Duration(seconds) * time.Second):
	}
}
