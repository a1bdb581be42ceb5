package cleanup

import (
	"slices"
	"testing"
)

func record() (push func(*Stack, int), ran *[]int) {
	ran = new([]int)
	return func(s *Stack, n int) { s.Push(func() { *ran = append(*ran, n) }) }, ran
}

func TestStepsAreUndoneInReverseOrderAndOnce(t *testing.T) {
	push, ran := record()
	s := New()
	for n := range 3 {
		push(s, n)
	}
	s.Run()
	s.Run()
	if want := []int{2, 1, 0}; !slices.Equal(*ran, want) {
		t.Errorf("ran %v, want %v", *ran, want)
	}
}

func TestReleasedStepsBelongToTheNewStack(t *testing.T) {
	push, ran := record()
	s := New()
	push(s, 1)
	kept := s.Release()
	s.Run()
	if len(*ran) != 0 {
		t.Errorf("the constructor's stack ran %v after Release", *ran)
	}
	kept.Run()
	if !slices.Equal(*ran, []int{1}) {
		t.Errorf("the object's stack ran %v, want [1]", *ran)
	}
}

func TestAStepThatPushesIsRunToo(t *testing.T) {
	push, ran := record()
	s := New()
	s.Push(func() { push(s, 7) })
	s.Run()
	if !slices.Equal(*ran, []int{7}) {
		t.Errorf("ran %v, want [7]", *ran)
	}
}

func TestAPanickingStepDoesNotRunTwice(t *testing.T) {
	push, ran := record()
	s := New()
	push(s, 1)
	s.Push(func() { panic("step") })
	func() {
		defer func() { recover() }()
		s.Run()
	}()
	s.Run() // what a second deferred Run does
	if !slices.Equal(*ran, []int{1}) {
		t.Errorf("ran %v, want [1]", *ran)
	}
}
