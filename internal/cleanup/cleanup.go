// Package cleanup is an undo stack: a constructor pushes how to take back each
// step, and releases the stack when all of them have succeeded.
//
//	undo := cleanup.New()
//	defer undo.Run()
//	undo.Push(func() { os.Remove(path) })
//	…
//	return thing, undo.Release()
package cleanup

// Stack runs what was pushed, last first.
type Stack struct{ steps []func() }

func New() *Stack { return &Stack{} }

func (s *Stack) Push(step func()) { s.steps = append(s.steps, step) }

// Run takes everything back. A second call does nothing.
func (s *Stack) Run() {
	for len(s.steps) > 0 {
		last := s.steps[len(s.steps)-1]
		s.steps = s.steps[:len(s.steps)-1]
		last()
	}
}

// Release empties the stack into a new one, which the finished object runs at its own end.
func (s *Stack) Release() *Stack {
	out := &Stack{s.steps}
	s.steps = nil
	return out
}
