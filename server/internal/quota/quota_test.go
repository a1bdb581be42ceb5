package quota

import "testing"

func TestAShareIsGivenBackWhenItsLastHolderLeaves(t *testing.T) {
	q := New(Limits{Requests: 2, Bytes: 10, All: 15})
	a, ok := q.Enter("a")
	if !ok || !a.Take(10) || a.Take(1) {
		t.Fatal("a client gets its bytes, and no more")
	}
	b, ok := q.Enter("b")
	if !ok || b.Take(6) || !b.Take(5) {
		t.Fatal("all together get theirs, and no more")
	}
	second, ok := q.Enter("a")
	if !ok || second.Take(1) {
		t.Fatal("a second request has bytes of its own")
	}
	if _, ok := q.Enter("a"); ok {
		t.Fatal("there are too many requests")
	}
	a.Keep()
	a.Leave()
	if second.Take(1) {
		t.Fatal("it was given back while somebody holds it")
	}
	a.Leave()
	if !second.Take(10) {
		t.Fatal("it was not given back")
	}
	second.Leave()
	b.Leave()
	if len(q.of) != 0 || q.bytes != 0 {
		t.Errorf("left: %v, %d bytes", q.of, q.bytes)
	}
}
