package wire

// Member is a member of an object.
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

// HasDuplicate reports whether two members have the same canonical name.
func HasDuplicate(all []Member) bool {
	seen := make(map[string]bool, len(all))
	for _, m := range all {
		name := Canonical(m.Key)
		if seen[name] {
			return true
		}
		seen[name] = true
	}
	return false
}

// HasNestedDuplicate reports whether any object in value has two members of the same name. With
// fold it compares canonical names.
func HasNestedDuplicate(value []byte, fold bool) bool {
	var open []map[string]bool // the names seen in each open object; nil for an array
	for t := next(value, 0); t.kind != 0; t = next(value, t.end) {
		switch t.kind {
		case '{':
			open = append(open, map[string]bool{})
		case '[':
			open = append(open, nil)
		case '}', ']':
			open = open[:len(open)-1]
		case '"':
			if next(value, t.end).kind != ':' {
				continue // a value
			}
			name, seen := Unquote(value[t.start:t.end]), open[len(open)-1]
			if fold {
				name = Canonical(name)
			}
			if seen[name] {
				return true
			}
			seen[name] = true
		}
	}
	return false
}

// EncodeObject writes an object with these members, in their order.
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

// StringMember returns the string value of a member. ok is false if the member is missing, occurs
// twice, or is not a string.
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
