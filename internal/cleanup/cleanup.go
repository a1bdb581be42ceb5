// Package cleanup is an undo stack. A constructor pushes the undo function of each step, and
// releases the stack when all steps have succeeded.
//
//	undo := cleanup.New()
//	defer undo.Run()
//	undo.Push(func() { os.Remove(path) })
//	…
//	return thing, undo.Release()
package cleanup

// Stack holds undo functions. It runs them in reverse order.
type Stack struct{ steps []func() }

func New() *Stack { return &Stack{} }

func (s *Stack) Push(step func()) { s.steps = append(s.steps, step) }

// Run runs the undo functions. A second call does nothing.
func (s *Stack) Run() {
	for len(s.steps) > 0 {
		last := s.steps[len(s.steps)-1]
		s.steps = s.steps[:len(s.steps)-1]
		last()
	}
}

// Release moves the undo functions to a new stack, which the finished object runs when it is
// closed.
func (s *Stack) Release() *Stack {
	out := &Stack{s.steps}
	s.steps = nil
	return out
}
