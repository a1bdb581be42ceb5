package wire

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Quote writes a JSON string and does not escape < and >. Bytes that are not UTF-8 become U+FFFD.
func Quote(s string) []byte {
	s = valid(s)
	out := append(make([]byte, 0, len(s)+len(s)/16+16), '"')
	for done := 0; ; {
		i := done
		for i < len(s) && s[i] >= ' ' && s[i] != '"' && s[i] != '\\' {
			i++
		}
		out = append(out, s[done:i]...)
		if i == len(s) {
			return append(out, '"')
		}
		switch c := s[i]; c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, '\\', 'n')
		case '\t':
			out = append(out, '\\', 't')
		case '\r':
			out = append(out, '\\', 'r')
		default:
			const digits = "0123456789abcdef"
			out = append(out, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
		done = i + 1
	}
}

// Encode writes a JSON value without the escapes that only HTML needs.
func Encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return []byte("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Unquote decodes a valid JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, as
// with encoding/json.
func Unquote(raw []byte) string {
	if len(raw) < 2 {
		return ""
	}
	inner := raw[1 : len(raw)-1]
	n := plainPrefix(inner)
	if n == len(inner) {
		return valid(string(inner))
	}
	var b strings.Builder
	b.Grow(len(inner))
	for {
		b.Write(inner[:n])
		if inner = inner[n:]; len(inner) < 2 {
			return valid(b.String())
		}
		switch c := inner[1]; c {
		case 'u':
			r, size := unicodeEscape(inner)
			b.WriteRune(r)
			inner = inner[size:]
		default:
			if i := strings.IndexByte("bfnrt", c); i >= 0 {
				c = "\b\f\n\r\t"[i]
			}
			b.WriteByte(c)
			inner = inner[2:]
		}
		n = plainPrefix(inner)
	}
}

// unicodeEscape reads \uXXXX, or a surrogate pair of two escapes.
func unicodeEscape(b []byte) (r rune, size int) {
	first := hex4(b)
	if !utf16.IsSurrogate(first) {
		return max(first, 0), 6
	}
	if len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
		if r := utf16.DecodeRune(first, hex4(b[6:])); r != utf8.RuneError {
			return r, 12
		}
	}
	return utf8.RuneError, 6
}

func hex4(b []byte) rune {
	if len(b) < 6 {
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 32)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}

// valid replaces each byte that is not UTF-8.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// Join concatenates strings and byte slices.
func Join(parts ...any) []byte {
	size := 0
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			size += len(p)
		case []byte:
			size += len(p)
		}
	}
	out := make([]byte, 0, size)
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			out = append(out, p...)
		case []byte:
			out = append(out, p...)
		}
	}
	return out
}
