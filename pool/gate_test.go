package pool

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

func testGate(live, perCaller, queue int) *gate {
	return newGate(Config{Live: live, PerCaller: perCaller, Queue: queue, Wait: time.Minute}.
		withDefaults())
}

// asks has a caller ask n times, and reports how many of the calls are admitted so far.
func asks(t *testing.T, g *gate, caller string, n int) (turns []chan struct{}) {
	t.Helper()
	for range n {
		turn, err := g.ask(caller)
		if err != nil {
			t.Fatal(err)
		}
		turns = append(turns, turn)
	}
	return turns
}

func admitted(turns []chan struct{}) (n int) {
	for _, turn := range turns {
		select {
		case <-turn:
			n++
		default:
		}
	}
	return n
}

func TestCallersAreServedInTurn(t *testing.T) {
	g := testGate(1, 1, 100)
	greedy := asks(t, g, "greedy", 20)
	modest := asks(t, g, "modest", 2)
	running := "greedy"
	for range 4 {
		g.leave(running, 0)
		running = map[string]string{"greedy": "modest", "modest": "greedy"}[running]
	}
	if admitted(modest) != 2 || admitted(greedy) != 3 {
		t.Errorf("after four ends: greedy %d, modest %d", admitted(greedy), admitted(modest))
	}
}

func TestACallerHasItsQuota(t *testing.T) {
	g := testGate(10, 3, 100)
	greedy, modest := asks(t, g, "greedy", 8), asks(t, g, "modest", 2)
	if admitted(greedy) != 3 || admitted(modest) != 2 {
		t.Errorf("greedy %d, modest %d", admitted(greedy), admitted(modest))
	}
	g.leave("greedy", 0)
	if admitted(greedy) != 4 {
		t.Errorf("greedy %d after an end", admitted(greedy))
	}
}

// A client that invents names for its callers gets no more than one that does not.
func TestManyNamesGetAGroupNoMore(t *testing.T) {
	g := newGate(Config{Live: 4, PerCaller: 4, Queue: 40, PerGroup: 3, Wait: time.Minute,
		Group: func(caller string) string { return caller[:1] }})
	var greedy []chan struct{}
	for i := range 12 {
		greedy = append(greedy, asks(t, g, fmt.Sprint("a", i), 1)...)
	}
	if admitted(greedy) != 3 {
		t.Errorf("%d of a group run at once", admitted(greedy))
	}
	modest := asks(t, g, "b", 3)
	if admitted(modest) != 1 {
		t.Errorf("the other group has %d", admitted(modest))
	}
	g.leave("a0", 0)
	g.leave("a1", 0)
	if admitted(modest) != 2 || admitted(greedy) != 4 {
		t.Errorf("after two ends: greedy %d, modest %d", admitted(greedy), admitted(modest))
	}
	var busy *BusyError
	for i := 0; busy == nil; i++ { // the queue is not the greedy group's alone
		if _, err := g.ask(fmt.Sprint("a", i)); err != nil && !errors.As(err, &busy) || i > 40 {
			t.Fatalf("ask %d: %v", i, err)
		}
	}
	if _, err := g.ask("b"); err != nil {
		t.Errorf("the other group has no place in the queue: %v", err)
	}
}

func TestAFullQueueSaysWhenToComeBack(t *testing.T) {
	g := testGate(1, 1, 2)
	asks(t, g, "a", 3)
	var busy *BusyError
	if _, err := g.ask("b"); !errors.As(err, &busy) || busy.RetryAfter <= 0 {
		t.Errorf("error %v", err)
	}
}

func TestACallThatGivesUpLeavesItsPlace(t *testing.T) {
	g := testGate(1, 1, 10)
	leave, err := g.enter(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.enter(ctx, "b"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	impatient := g
	impatient.wait = time.Millisecond
	var busy *BusyError
	if _, err := impatient.enter(t.Context(), "b"); !errors.As(err, &busy) {
		t.Errorf("error %v", err)
	}
	leave()
	leave() // a second time does nothing
	if g.running != 0 || g.waiting != 0 || len(g.turns) != 0 || len(g.of) != 0 ||
		len(g.ofGroup) != 0 || len(g.lined) != 0 {
		t.Errorf("left: %+v", g)
	}
}
