package wire

import "bytes"

// Walk calls f for every member of the object, or element of the array, that begins at data[at]. data is known to be JSON.
// key is a member's, with its quotes; nil in an array. It returns where the object or array ends.
func Walk(data []byte, at int, f func(key []byte, from, to int)) int {
	object := data[at] == '{'
	i := at + 1
	for {
		i = SkipSpace(data, i)
		if i >= len(data) {
			return i
		}
		switch data[i] {
		case '}', ']':
			return i + 1
		case ',':
			i++
			continue
		}
		var key []byte
		if object {
			end := SkipString(data, i)
			key = data[i:end]
			i = SkipSpace(data, end) + 1 // the colon
			i = SkipSpace(data, i)
		}
		end := skipValue(data, i)
		f(key, i, end)
		i = end
	}
}

func SkipSpace(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\t' || data[i] == '\r' || data[i] == '\n') {
		i++
	}
	return i
}

// SkipString returns where the string that begins at data[i] ends: at the next quote that an even number of backslashes,
// mostly none, stands before.
func SkipString(data []byte, i int) int {
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

func skipValue(data []byte, i int) int {
	switch data[i] {
	case '"':
		return SkipString(data, i)
	case '{', '[':
		depth := 0
		for i < len(data) {
			switch data[i] {
			case '"':
				i = SkipString(data, i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
		return i
	}
	for i < len(data) {
		switch data[i] {
		case ',', '}', ']', ' ', '\t', '\r', '\n':
			return i
		}
		i++
	}
	return i
}
