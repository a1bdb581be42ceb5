package pool

import (
	"errors"
	"fmt"
	"time"
)

// ErrClosed: the pool has been closed.
var ErrClosed = errors.New("the pool is closed")

// BusyError is a call that was not admitted.
type BusyError struct {
	Reason     string        // "the queue is full" …
	RetryAfter time.Duration // when it is worth another try
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("busy: %s; try again in %s", e.Reason, e.RetryAfter.Round(time.Millisecond))
}
