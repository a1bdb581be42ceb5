package pool

import (
	"errors"
	"fmt"
	"time"
)

// ErrClosed: the pool has been closed.
var ErrClosed = errors.New("the pool is closed")

// ErrNotReady: a Program could not be started ahead, or did not say that it waits.
var ErrNotReady = errors.New("the program ended before it was ready for its call")

// BusyError is a call that was not admitted.
type BusyError struct {
	Reason     string        // "the queue is full" …
	RetryAfter time.Duration // when it is worth another try
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("busy: %s; try again in %s", e.Reason, e.RetryAfter.Round(time.Millisecond))
}
