package pool

import (
	"context"
	"errors"
	"testing"
	"time"
)

func testGate(live, perCaller, queue int) *gate {
	return newGate(Config{Live: live, PerCaller: perCaller, Queue: queue, Wait: time.Minute})
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
	if g.running != 0 || g.waiting != 0 || len(g.turns) != 0 || len(g.of) != 0 {
		t.Errorf("left: %+v", g)
	}
}
