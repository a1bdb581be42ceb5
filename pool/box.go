package pool

// claim takes a place for one more cell, if there is any.
func (b *box) claim(reuse int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.retired || b.live >= perBox {
		return false
	}
	b.live++
	if b.calls++; b.calls >= reuse {
		b.retired = true // and closed with its last call
	}
	return true
}

// left gives a cell's place back.
func (b *box) left() {
	b.mu.Lock()
	b.live--
	last := b.retired && b.live == 0
	b.mu.Unlock()
	if last {
		b.shelf.remove(b)
	}
}

// retire closes the sandbox when its last call has ended. Its warm cells are not used any more.
func (s *shelf) retire(b *box) {
	var stale []*cell
	for _, k := range s.all() {
		stale = append(stale, k.pull(func(c *cell) bool { return c.from == b })...)
	}
	b.mu.Lock()
	b.retired = true
	idle := b.live == 0
	b.mu.Unlock()
	for _, c := range stale {
		c.discard()
	}
	if idle {
		s.remove(b)
	}
	s.wake()
}

// remove closes a sandbox that nothing runs in.
func (s *shelf) remove(b *box) {
	s.mu.Lock()
	for i, other := range s.boxes {
		if other == b {
			s.boxes = append(s.boxes[:i], s.boxes[i+1:]...)
			break
		}
	}
	s.mu.Unlock()
	_ = b.Close() // once, however often it is called
}
