package pool

import (
	"errors"
	"time"
)

// tidy ends cells that have waited for too long, and those beyond the demand; true: the policy is idle.
func (s *shelf) tidy(now time.Time) (idle bool) {
	cfg := s.pool.cfg
	s.mu.Lock()
	var old []*cell
	excess := len(s.warm) - s.target(now)
	for len(s.warm) > 0 && (excess > 0 || now.Sub(s.warm[0].built) > cfg.Age) {
		old = append(old, s.warm[0])
		s.warm = s.warm[1:]
		excess--
	}
	idle = now.Sub(s.used) > cfg.Idle && s.taking == 0 && s.running() == 0
	s.mu.Unlock()
	for _, c := range old {
		c.Close()
		c.from.left()
	}
	if !idle {
		s.wake()
	}
	return idle
}

// running counts calls. The caller holds the lock.
func (s *shelf) running() int {
	n := -len(s.warm)
	for _, b := range s.boxes {
		b.mu.Lock()
		n += b.live
		b.mu.Unlock()
	}
	return n
}

// close takes every sandbox down, and kills what runs.
func (s *shelf) close() error {
	s.cancel()
	s.mu.Lock()
	s.closed = true
	boxes := s.boxes
	s.boxes, s.warm = nil, nil
	s.mu.Unlock()
	var errs []error
	for _, b := range boxes {
		errs = append(errs, b.Close())
	}
	return errors.Join(errs...)
}
