// Package semver compares versions and checks them against ranges, as package managers write them:
// ">=1.2 <2 || ^3.1", "~1.4.2", "1.x", "!=1.5.0". Existing libraries compile regular expressions
// whenever a program starts. mcpbox starts too often for that.
//
// As in npm, a pre-release is in a range only if the range names a pre-release of the same numbers.
package semver

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Version is major, minor, patch and the pre-release's identifiers.
type Version struct {
	n   [3]uint64
	pre string
}

// Parse reads a version. A leading v, missing numbers and build metadata are ignored.
func Parse(s string) (Version, error) {
	v, given, err := parse(s)
	if err == nil && given == 0 {
		err = fmt.Errorf("%q is not a version", s)
	}
	return v, err
}

// parse also returns how many numbers there were before a wildcard or the end.
func parse(s string) (v Version, given int, err error) {
	rest := strings.TrimPrefix(strings.TrimSpace(s), "v")
	rest, _, _ = strings.Cut(rest, "+")
	numbers, pre, hasPre := strings.Cut(rest, "-")
	if hasPre && pre == "" {
		return v, 0, fmt.Errorf("%q is not a version", s)
	}
	v.pre = pre
	parts := strings.Split(numbers, ".")
	if len(parts) > 3 {
		return v, 0, fmt.Errorf("%q is not a version", s)
	}
	for i, p := range parts {
		if p == "x" || p == "X" || p == "*" {
			return v, i, nil
		}
		if v.n[i], err = strconv.ParseUint(p, 10, 63); err != nil {
			return v, 0, fmt.Errorf("%q is not a version", s)
		}
	}
	return v, len(parts), nil
}

// Compare returns -1, 0 or 1, as semver.org defines the order.
func (v Version) Compare(w Version) int {
	for i := range v.n {
		if c := cmp.Compare(v.n[i], w.n[i]); c != 0 {
			return c
		}
	}
	switch {
	case v.pre == w.pre:
		return 0
	case v.pre == "":
		return 1
	case w.pre == "":
		return -1
	}
	a, b := strings.Split(v.pre, "."), strings.Split(w.pre, ".")
	for i := range min(len(a), len(b)) {
		x, xerr := strconv.ParseUint(a[i], 10, 63)
		y, yerr := strconv.ParseUint(b[i], 10, 63)
		c := strings.Compare(a[i], b[i])
		switch {
		case xerr == nil && yerr == nil:
			c = cmp.Compare(x, y)
		case xerr == nil:
			c = -1
		case yerr == nil:
			c = 1
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}
