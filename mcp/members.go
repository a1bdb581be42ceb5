package mcp

import (
	"strings"
	"unicode"
)

// member is one of an object's.
type member struct {
	key        string
	raw, value []byte // the key with its quotes, and the value
}

func members(object []byte) (all []member) {
	walk(object, 0, func(key []byte, from, to int) {
		all = append(all, member{unquote(key), key, object[from:to]})
	})
	return all
}

// twice reports two members whose names are the same, or the same but for case.
func twice(all []member) bool {
	seen := make(map[string]bool, len(all))
	for _, m := range all {
		name := folded(m.key)
		if seen[name] {
			return true
		}
		seen[name] = true
	}
	return false
}

// repeats reports an object, anywhere in value, that has a member twice; fold: or in two spellings.
func repeats(value []byte, fold bool) bool {
	var open []map[string]bool // the members seen of each; nil of an array
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '{':
			open = append(open, map[string]bool{})
		case '[':
			open = append(open, nil)
		case '}', ']':
			open = open[:len(open)-1]
		case '"':
			end := skipString(value, i)
			if next := skipTo(value, end); next < len(value) && value[next] == ':' {
				name, seen := unquote(value[i:end]), open[len(open)-1]
				if fold {
					name = folded(name)
				}
				if seen[name] {
					return true
				}
				seen[name] = true
			}
			i = end - 1
		}
	}
	return false
}

// folded is the same for all spellings that strings.EqualFold takes for equal.
func folded(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, s)
}

// object writes the members in their order.
func object(all []member) []byte {
	size := 2
	for _, m := range all {
		size += len(m.raw) + len(m.value) + 2
	}
	out := append(make([]byte, 0, size), '{')
	for i, m := range all {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, m.raw...), ':'), m.value...)
	}
	return append(out, '}')
}
