package semver

import "testing"

func TestVersionsAreOrderedAsTheStandardSays(t *testing.T) {
	// semver.org §11
	order := []string{"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
		"1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2", "v2", "2026.8.31"}
	for i := range order {
		for j := range order {
			a, _ := Parse(order[i])
			b, _ := Parse(order[j])
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := a.Compare(b); got != want {
				t.Errorf("Compare(%s, %s) = %d, want %d", order[i], order[j], got, want)
			}
		}
	}
}

func TestRanges(t *testing.T) {
	for _, c := range []struct {
		r       string
		in, out []string
	}{
		{">=1.2.0 <2", []string{"1.2.0", "1.99.1"}, []string{"1.1.9", "2.0.0", "2.0.0-rc.1"}},
		{">= 1.2, < 2", []string{"1.2.0"}, []string{"2.0.0"}},
		{"^1.2.3", []string{"1.2.3", "1.9.0"}, []string{"1.2.2", "2.0.0"}},
		{"^0.2.3", []string{"0.2.9"}, []string{"0.3.0", "1.0.0"}},
		{"^0.0.3", []string{"0.0.3"}, []string{"0.0.4"}},
		{"~1.4.2", []string{"1.4.9"}, []string{"1.5.0"}},
		{"1.x || 3.1.*", []string{"1.0.0", "3.1.7"}, []string{"2.0.0", "3.2.0"}},
		{"*", []string{"0.0.1", "99.0.0"}, []string{"1.0.0-rc.1"}},
		{"!=1.5.0", []string{"1.5.1"}, []string{"1.5.0"}},
		{"!=1.x", []string{"0.9.0", "2.0.0"}, []string{"1.0.0", "1.5.0"}},
		{"!=1.2", []string{"1.1.9", "1.3.0"}, []string{"1.2.0", "1.2.7"}},
		{"1.2.3", []string{"1.2.3", "v1.2.3+build"}, []string{"1.2.4"}},
		{">1.2", []string{"1.3.0"}, []string{"1.2.9"}},
		{">=1.0.0-rc.1", []string{"1.0.0-rc.2", "1.0.0"}, []string{"1.0.0-beta", "1.0.1-rc.1"}},
		{"2026.8.31", []string{"2026.8.31"}, []string{"2026.9.1"}},
	} {
		r, err := ParseRange(c.r)
		if err != nil {
			t.Errorf("%s: %v", c.r, err)
			continue
		}
		for _, text := range append(append([]string{}, c.in...), c.out...) {
			v, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			want := false
			for _, in := range c.in {
				want = want || in == text
			}
			if got := r.Contains(v); got != want {
				t.Errorf("%s in %s: %v, want %v", text, c.r, got, want)
			}
		}
	}
}

func TestInvalidVersionsAndRangesAreErrors(t *testing.T) {
	for _, s := range []string{"", "latest", "1.2.3.4", "1.-2", "1.2.3-", "x"} {
		if v, err := Parse(s); err == nil {
			t.Errorf("Parse(%q) = %v", s, v)
		}
	}
	for _, s := range []string{"", ">", "latest", ">=1 ||", "=>1", "!=*"} {
		if r, err := ParseRange(s); err == nil {
			t.Errorf("ParseRange(%q) = %v", s, r)
		}
	}
}
