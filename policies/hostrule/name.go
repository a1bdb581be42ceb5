package hostrule

import "strings"

const (
	maxName  = 253
	maxLabel = 63
)

// CanonicalName returns the canonical form of a host name: lower case, without the final dot. ok is
// false if the text is not a host name: for non-ASCII letters, for empty or long labels, and for
// texts that C libraries read as an IPv4 address (127.1, 0x7f.1).
func CanonicalName(name string) (canonical string, ok bool) {
	name = strings.TrimSuffix(name, ".")
	if name == "" || len(name) > maxName {
		return "", false
	}
	lower := []byte(name)
	label := 0
	for i, c := range lower {
		switch {
		case c >= 'A' && c <= 'Z':
			lower[i] = c + 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '_':
		case c == '-':
			if label == 0 {
				return "", false
			}
		case c == '.':
			if label == 0 {
				return "", false
			}
			label = -1
		default:
			return "", false
		}
		if label++; label > maxLabel {
			return "", false
		}
	}
	name = string(lower)
	if label == 0 || number(name[strings.LastIndexByte(name, '.')+1:]) {
		return "", false
	}
	return name, true
}

// number reports whether inet_aton(3) reads the label as a part of an address. No top-level domain
// has this form.
func number(label string) bool {
	if rest, hex := strings.CutPrefix(label, "0x"); hex {
		return strings.Trim(rest, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}
