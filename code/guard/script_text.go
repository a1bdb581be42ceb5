package guard

import (
	"bytes"
	"strconv"
	"strings"
)

// identifier resolves the escapes that a name may have: \u0065val is eval.
func identifier(name []byte) string {
	if !bytes.ContainsRune(name, '\\') {
		return string(name)
	}
	return unescape(name)
}

func number(text []byte) string {
	if n, err := strconv.ParseInt(strings.ReplaceAll(string(text), "_", ""), 0, 64); err == nil {
		return strconv.FormatInt(n, 10)
	}
	return string(text)
}

func unquote(literal []byte) string {
	if len(literal) < 2 {
		return ""
	}
	return unescape(literal[1 : len(literal)-1])
}

// unescape resolves the escapes of a JavaScript string.
func unescape(raw []byte) string {
	if !bytes.ContainsRune(raw, '\\') {
		return string(raw)
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' || i+1 == len(raw) {
			b.WriteByte(raw[i])
			continue
		}
		i++
		switch c := raw[i]; {
		case c == 'n':
			b.WriteByte('\n')
		case c == 't':
			b.WriteByte('\t')
		case c == '\n':
		case c == 'x' && i+2 < len(raw):
			n, err := strconv.ParseUint(string(raw[i+1:i+3]), 16, 8)
			if err == nil {
				b.WriteRune(rune(n))
				i += 2
			}
		case c == 'u':
			n, width := codePoint(raw[i+1:])
			b.WriteRune(n)
			i += width
		case c >= '0' && c <= '7':
			width := 1
			for width < 3 && i+width < len(raw) && raw[i+width] >= '0' && raw[i+width] <= '7' {
				width++
			}
			n, _ := strconv.ParseUint(string(raw[i:i+width]), 8, 16)
			b.WriteRune(rune(n))
			i += width - 1
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// codePoint reads what follows \u: four digits, or braces.
func codePoint(raw []byte) (rune, int) {
	digits, width := raw, 0
	if len(raw) > 0 && raw[0] == '{' {
		end := bytes.IndexByte(raw, '}')
		if end < 0 {
			return 0xfffd, 0
		}
		digits, width = raw[1:end], end+1
	} else if len(raw) >= 4 {
		digits, width = raw[:4], 4
	}
	n, err := strconv.ParseUint(string(digits), 16, 32)
	if err != nil || n > 0x10ffff {
		return 0xfffd, 0
	}
	return rune(n), width
}
