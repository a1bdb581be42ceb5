package wire

import (
	"strings"
	"unicode"
)

// Member is one of an object's.
type Member struct {
	Key           string
	RawKey, Value []byte // the key with its quotes, and the value
}

func Members(object []byte) (all []Member) {
	Walk(object, 0, func(key []byte, from, to int) {
		all = append(all, Member{Unquote(key), key, object[from:to]})
	})
	return all
}

// HasDuplicate reports two members whose names are the same, or the same but for case.
func HasDuplicate(all []Member) bool {
	seen := make(map[string]bool, len(all))
	for _, m := range all {
		name := FoldCase(m.Key)
		if seen[name] {
			return true
		}
		seen[name] = true
	}
	return false
}

// HasNestedDuplicate reports an object, anywhere in value, that has a member twice; fold: or in two spellings.
func HasNestedDuplicate(value []byte, fold bool) bool {
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
			end := SkipString(value, i)
			if next := SkipSpace(value, end); next < len(value) && value[next] == ':' {
				name, seen := Unquote(value[i:end]), open[len(open)-1]
				if fold {
					name = FoldCase(name)
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

// FoldCase is the same for all spellings that strings.EqualFold takes for equal.
func FoldCase(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, s)
}

// EncodeObject writes the members in their order.
func EncodeObject(all []Member) []byte {
	size := 2
	for _, m := range all {
		size += len(m.RawKey) + len(m.Value) + 2
	}
	out := append(make([]byte, 0, size), '{')
	for i, m := range all {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, m.RawKey...), ':'), m.Value...)
	}
	return append(out, '}')
}

// StringMember reads one member of an object, a string; false if it is none, not there, or there twice.
func StringMember(raw []byte, member string) (name string, ok bool) {
	if len(raw) == 0 || raw[0] != '{' {
		return "", false
	}
	n := 0
	Walk(raw, 0, func(key []byte, from, to int) {
		if Unquote(key) == member {
			n++
			if ok = raw[from] == '"'; ok {
				name = Unquote(raw[from:to])
			}
		}
	})
	return name, ok && n == 1
}
