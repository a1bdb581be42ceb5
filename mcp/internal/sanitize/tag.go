package sanitize

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// DefuseTag replaces the first bracket of every opening or closing tag of the given name by "&lt;".
// It ignores case, spaces, invisible characters and combining marks, and knows ligatures,
// full-width and look-alike letters: it finds whatever a model could read as the tag.
func DefuseTag(s, tag string) string {
	if strings.IndexByte(s, '<') < 0 && (PrintableASCII(s) || strings.IndexFunc(s, isBracket) < 0) {
		return s
	}
	want := strings.ToLower(tag)
	var b strings.Builder
	done := 0
	for i, r := range s {
		if isBracket(r) && startsTag(s[i+utf8.RuneLen(r):], want) {
			b.WriteString(s[done:i])
			b.WriteString("&lt;")
			done = i + utf8.RuneLen(r)
		}
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

const maxFiller = 64 // ignorable characters that are skipped in a row

// startsTag reports whether s begins with the name, after slashes and ignorable characters.
func startsTag(s, want string) bool {
	n, filler := 0, 0
	for _, r := range s {
		letters := ""
		if r >= utf8.RuneSelf {
			letters = fold(r)
		}
		switch {
		case r < utf8.RuneSelf && isLetterOf(byte(r), want[n]):
			n, filler = n+1, 0
		case letters != "" && strings.HasPrefix(want[n:], letters):
			n, filler = n+len(letters), 0
		case letters != "" && strings.HasPrefix(letters, want[n:]):
			return true // a ligature reaches beyond the name
		case isIgnorable(r) || n == 0 && (isSlash(r) || isBracket(r)):
			if filler++; filler > maxFiller {
				return false
			}
		default:
			return false
		}
		if n == len(want) {
			return true
		}
	}
	return false
}

// isLetterOf reports whether c is the letter, in either case.
func isLetterOf(c, letter byte) bool {
	return c == letter || c >= 'A' && c <= 'Z' && c+'a'-'A' == letter
}

func isBracket(r rune) bool {
	switch r {
	case '<', '＜', '﹤', '‹', '«', 0x3008, 0x2329, '⟨', '❬', '❮', '❰', '˂', 'ᐸ', '𝈶', '≺', '⧼', '《':
		return true
	}
	return false
}

func isSlash(r rune) bool {
	switch r {
	case '/', '／', '∕', '⁄', '⧸', '╱', '⟋', '\\', '＼', '﹨', '⧵', '∖', '⼃', 'ノ', '〳', '𝈺', '丿':
		return true
	}
	return false
}

func isIgnorable(r rune) bool {
	return unicode.IsSpace(r) || IsHidden(r) || IsJoiner(r) || unicode.Is(unicode.M, r) ||
		r == 0x2028 || r == 0x2029
}

// Attribute makes a name safe between quotes in a tag.
func Attribute(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '"' || r == '\'' || r == '&' || r == '\n' || r == '\t' || r == '\r' ||
			isBracket(r) || r == '>' || isIgnorable(r):
			return '_'
		}
		return r
	}, Strip(s))
	if len(s) > 128 {
		s = strings.ToValidUTF8(s[:128], "")
	}
	return s
}
