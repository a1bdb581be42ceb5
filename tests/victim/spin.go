package main

import (
	"io"
	"os"
	"time"
)

// spin burns one core for so many seconds.
func spin(seconds int) {
	for end := time.Now().Add(time.Duration(seconds) * time.Second); time.Now().Before(end); {
	}
}

// linger waits for the end of stdin, or so many seconds at most.
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
