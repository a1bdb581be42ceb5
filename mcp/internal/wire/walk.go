package wire

import "bytes"

// The functions in this file read text that a Scanner has accepted as JSON. They check nothing
// again, so they can jump over strings. All code that looks inside a message uses them.

// token is the place of one token in a JSON text. kind is its first byte: a bracket, a comma, a
// colon, a quote, or the beginning of a number or literal. At the end of the text it is 0.
type token struct {
	kind       byte
	start, end int
}

// next returns the token at or after data[i].
func next(data []byte, i int) token {
	i = SkipSpace(data, i)
	if i >= len(data) {
		return token{0, i, i}
	}
	switch c := data[i]; c {
	case '{', '}', '[', ']', ',', ':':
		return token{c, i, i + 1}
	case '"':
		return token{c, i, skipString(data, i)}
	default:
		end := i + 1
		for end < len(data) && !endsScalar(data[end]) {
			end++
		}
		return token{c, i, end}
	}
}

func endsScalar(c byte) bool {
	switch c {
	case ',', '}', ']', ' ', '\t', '\r', '\n':
		return true
	}
	return false
}

// SkipSpace returns the index of the next character that is not white space.
func SkipSpace(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\t' || data[i] == '\r' || data[i] == '\n') {
		i++
	}
	return i
}

// skipString returns the index after the string that begins at data[i]. The string ends at the next
// quote with an even number of backslashes (usually none) in front of it.
func skipString(data []byte, i int) int {
	for from := i + 1; ; {
		n := bytes.IndexByte(data[from:], '"')
		if n < 0 {
			return len(data)
		}
		end := from + n
		slashes := 0
		for end-slashes-1 > i && data[end-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return end + 1
		}
		from = end + 1
	}
}

// Walk calls f for every member of the object, or element of the array, that begins at data[at].
// key has its quotes; in an array it is nil.
func Walk(data []byte, at int, f func(key []byte, from, to int)) {
	object := data[at] == '{'
	var key []byte
	for t := next(data, at+1); ; t = next(data, t.end) {
		switch {
		case t.kind == '}' || t.kind == ']' || t.kind == 0:
			return
		case t.kind == ',' || t.kind == ':':
		case object && key == nil:
			key = data[t.start:t.end]
		default:
			t.end = skipValue(data, t)
			f(key, t.start, t.end)
			key = nil
		}
	}
}

// skipValue returns the index after the value that begins with the token.
func skipValue(data []byte, t token) int {
	for depth := 0; ; t = next(data, t.end) {
		switch t.kind {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case 0:
			return t.end
		}
		if depth == 0 {
			return t.end
		}
	}
}

// Strings calls f for every string in a value, including the names of members.
func Strings(value []byte, f func(from, to int)) {
	for i := bytes.IndexByte(value, '"'); i >= 0 && i < len(value); {
		end := skipString(value, i)
		f(i, end)
		next := bytes.IndexByte(value[end:], '"')
		if next < 0 {
			return
		}
		i = end + next
	}
}
