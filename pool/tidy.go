package pool

import (
	"errors"
	"time"
)

// tidy looks after the stocks; true: the policy is idle.
func (s *shelf) tidy(now time.Time) (idle bool) {
	idle = true
	for _, k := range s.all() {
		if !k.tidy(now) {
			idle = false
		} else if k.program != nil { // the sandboxes are the other stocks', too
			s.drop(k)
		}
	}
	return idle && s.running() == 0
}

// drop ends a stock.
func (s *shelf) drop(k *stock) {
	s.mu.Lock()
	if s.stocks[k.program] == k {
		delete(s.stocks, k.program)
	}
	s.mu.Unlock()
	k.close()
}

// running counts calls.
func (s *shelf) running() (n int) {
	s.mu.Lock()
	boxes := append([]*box(nil), s.boxes...)
	s.mu.Unlock()
	for _, b := range boxes {
		b.mu.Lock()
		n += b.live
		b.mu.Unlock()
	}
	for _, k := range s.all() {
		k.mu.Lock()
		n -= len(k.warm)
		k.mu.Unlock()
	}
	return n
}

// close takes every sandbox down, and kills what runs.
func (s *shelf) close() error {
	s.cancel()
	s.mu.Lock()
	s.closed = true
	boxes := s.boxes
	s.boxes = nil
	s.mu.Unlock()
	for _, k := range s.all() {
		k.close()
	}
	var errs []error
	for _, b := range boxes {
		errs = append(errs, b.Close())
	}
	return errors.Join(errs...)
}
