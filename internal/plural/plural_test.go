package plural

import "testing"

func TestTheNounGoesWithTheNumber(t *testing.T) {
	for _, c := range []struct {
		n          int
		noun, want string
	}{{0, "call", "0 calls"}, {1, "call", "1 call"}, {2, "call", "2 calls"},
		{1, "entry", "1 entry"}, {10, "entry", "10 entries"}} {
		if got := Of(c.n, c.noun); got != c.want {
			t.Errorf("Of(%d, %q) = %q, want %q", c.n, c.noun, got, c.want)
		}
	}
}
