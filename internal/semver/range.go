package semver

import (
	"fmt"
	"strings"
)

// Range is a list of alternatives. In one of them, all bounds must hold.
type Range struct{ alternatives [][]bound }

type bound struct {
	op string // = != < <= > >=
	v  Version
	to Version // for !=: the first version after the excluded ones
}

// ParseRange reads a range as package managers write it.
func ParseRange(s string) (Range, error) {
	var r Range
	for _, alternative := range strings.Split(s, "||") {
		words := strings.Fields(strings.ReplaceAll(alternative, ",", " "))
		if len(words) == 0 {
			return r, fmt.Errorf("%q is not a range of versions", s)
		}
		var all []bound
		for i := 0; i < len(words); i++ {
			word := words[i]
			if strings.Trim(word, "<>=!~^") == "" && i+1 < len(words) { // ">= 1.2"
				i++
				word += words[i]
			}
			bounds, err := parseBounds(word)
			if err != nil {
				return r, err
			}
			all = append(all, bounds...)
		}
		r.alternatives = append(r.alternatives, all)
	}
	return r, nil
}

func parseBounds(word string) ([]bound, error) {
	text := strings.TrimLeft(word, "<>=!~^")
	op := word[:len(word)-len(text)]
	low, given, err := parse(text)
	if err != nil {
		return nil, err
	}
	if given == 0 { // * and x
		if op != "" && op != "=" && op != ">=" && op != "~" && op != "^" {
			return nil, fmt.Errorf("%q is not a range of versions", word)
		}
		return []bound{{op: ">="}}, nil
	}
	switch op {
	case "", "=", "==":
		if given == 3 {
			return []bound{{op: "=", v: low}}, nil
		}
		return []bound{{op: ">=", v: low}, {op: "<", v: low.next(given - 1)}}, nil
	case "!=":
		if given == 3 {
			return []bound{{op: "!=", v: low, to: low}}, nil
		}
		return []bound{{op: "!=", v: low, to: low.next(given - 1)}}, nil
	case ">=", "<":
		return []bound{{op: op, v: low}}, nil
	case ">":
		if given < 3 {
			return []bound{{op: ">=", v: low.next(given - 1)}}, nil
		}
		return []bound{{op: ">", v: low}}, nil
	case "<=":
		if given < 3 {
			return []bound{{op: "<", v: low.next(given - 1)}}, nil
		}
		return []bound{{op: "<=", v: low}}, nil
	case "~":
		return []bound{{op: ">=", v: low}, {op: "<", v: low.next(min(given-1, 1))}}, nil
	case "^":
		i := 0
		for i < given-1 && low.n[i] == 0 {
			i++
		}
		return []bound{{op: ">=", v: low}, {op: "<", v: low.next(i)}}, nil
	}
	return nil, fmt.Errorf("%q is not a range of versions", word)
}

// next returns the lowest version with a higher number at i, including its pre-releases.
func (v Version) next(i int) Version {
	var w Version
	copy(w.n[:i], v.n[:i])
	w.n[i] = v.n[i] + 1
	w.pre = "0"
	return w
}

// Contains reports whether v is in the range.
func (r Range) Contains(v Version) bool {
	for _, all := range r.alternatives {
		if holds(all, v) {
			return true
		}
	}
	return false
}

func holds(all []bound, v Version) bool {
	named := v.pre == ""
	for _, b := range all {
		c := v.Compare(b.v)
		ok := false
		switch b.op {
		case "=":
			ok = c == 0
		case "!=":
			ok = c < 0 || c > 0 && v.Compare(b.to) >= 0
		case "<":
			ok = c < 0
		case "<=":
			ok = c <= 0
		case ">":
			ok = c > 0
		case ">=":
			ok = c >= 0
		}
		if !ok {
			return false
		}
		named = named || b.v.pre != "" && b.v.pre != "0" && b.v.n == v.n
	}
	return named
}
