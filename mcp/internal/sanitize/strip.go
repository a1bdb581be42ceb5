package sanitize

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Strip removes what a reader does not see or a terminal obeys: escape sequences, control
// characters except tab and line breaks, bidirectional controls, invisible characters. A single
// joiner or variation selector stays after a letter or symbol beyond ASCII, because scripts and
// emoji need it. Runs of them can hide data and are removed.
func Strip(s string) string {
	if PrintableASCII(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	last, joined := rune(0), false
	for i := 0; i < len(s); {
		if n := escapeSequence(s[i:]); n > 0 {
			i += n
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b.WriteRune(utf8.RuneError)
			last, joined = r, false
		case IsJoiner(r):
			if last > unicode.MaxASCII && !joined {
				b.WriteRune(r)
				joined = true
			}
		case !IsHidden(r):
			b.WriteString(s[i : i+n])
			last, joined = r, false
		}
		i += n
	}
	return b.String()
}

func PrintableASCII[T ~string | ~[]byte](s T) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		// below a space, or from DEL on
		if ((w-ones*' ')&^w|w|(w+ones))&highs != 0 && !printableBytes(s[i:i+8]) {
			return false
		}
	}
	return printableBytes(s[i:])
}

func printableBytes[T ~string | ~[]byte](s T) bool {
	for i := range len(s) {
		if c := s[i]; (c < ' ' && c != '\n' && c != '\t' && c != '\r') || c > '~' {
			return false
		}
	}
	return true
}

func IsJoiner(r rune) bool {
	return r == 0x200C || r == 0x200D || r >= 0xFE00 && r <= 0xFE0F
}

// IsHidden covers Unicode's controls, formats, and default ignorable code points.
func IsHidden(r rune) bool {
	switch {
	case r == '\n' || r == '\t' || r == '\r':
		return false
	case r < ' ' || r >= 0x7F && r < 0xA0:
		return true
	case r < 0xAD:
		return false
	case r == 0x034F, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5, r == 0x3164, r == 0xFFA0,
		r == 0x2800,
		r == 0x2028, r == 0x2029, r >= 0x180B && r <= 0x180F, r >= 0xFFF0 && r <= 0xFFFB,
		r >= 0xE0000 && r <= 0xE0FFF:
		return true
	}
	return unicode.Is(unicode.Cf, r)
}

// escapeSequence returns the length of the ECMA-48 sequence at the start of s, 0 if there is none.
func escapeSequence(s string) int {
	if len(s) == 0 || s[0] != 0x1B && s[0] != 0xC2 {
		return 0
	}
	kind, at := byte(0), 0
	switch {
	case s[0] == 0x1B && len(s) > 1:
		kind, at = s[1], 2
	case s[0] == 0x1B:
		return 1
	case len(s) > 1 && s[1] >= 0x80 && s[1] <= 0x9F: // C1 in UTF-8
		kind, at = s[1]-0x40, 2
	default:
		return 0
	}
	switch kind {
	case '[':
		for at < len(s) && s[at] >= 0x20 && s[at] <= 0x3F {
			at++
		}
		if at < len(s) && s[at] >= 0x40 && s[at] <= 0x7E {
			at++
		}
		return at
	case ']', 'P', 'X', '^', '_': // BEL or ST ends it; without an end it is not a sequence
		for i := at; i < len(s) && i < at+maxEscape; i++ {
			switch {
			case s[i] == 0x07:
				return i + 1
			case s[i] == 0x1B && i+1 < len(s) && s[i+1] == '\\', s[i] == 0xC2 && i+1 < len(s) &&
				s[i+1] == 0x9C:
				return i + 2
			}
		}
		return at
	}
	if kind >= 0x20 && kind <= 0x2F { // designates a character set: one more
		for at < len(s) && s[at] >= 0x20 && s[at] <= 0x2F {
			at++
		}
		if at < len(s) && s[at] >= 0x30 && s[at] <= 0x7E {
			at++
		}
		return at
	}
	if s[0] == 0x1B && (kind < 0x30 || kind > 0x7E) {
		return 1
	}
	return at
}

const maxEscape = 4096

// Truncate shortens s to at most n bytes and cuts no character in two.
func Truncate(s string, n int) string {
	if n >= len(s) {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
