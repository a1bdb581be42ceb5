package mcp

// walk calls f for every member of the object, or element of the array, that begins at data[at]. data is known to be JSON.
// key is a member's, with its quotes; nil in an array. It returns where the object or array ends.
func walk(data []byte, at int, f func(key []byte, from, to int)) int {
	object := data[at] == '{'
	i := at + 1
	for {
		i = skipTo(data, i)
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
			end := skipString(data, i)
			key = data[i:end]
			i = skipTo(data, end) + 1 // the colon
			i = skipTo(data, i)
		}
		end := skipValue(data, i)
		f(key, i, end)
		i = end
	}
}

func skipTo(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\t' || data[i] == '\r' || data[i] == '\n') {
		i++
	}
	return i
}

func skipString(data []byte, i int) int {
	for i++; i < len(data); {
		i += plain(data[i:])
		if i >= len(data) || data[i] == '"' {
			return i + 1
		}
		i += 2 // a backslash and what it escapes
	}
	return len(data)
}

func skipValue(data []byte, i int) int {
	switch data[i] {
	case '"':
		return skipString(data, i)
	case '{', '[':
		depth := 0
		for i < len(data) {
			switch data[i] {
			case '"':
				i = skipString(data, i)
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
