package wire

import (
	"strings"
	"unicode"
)

// Canonical returns a name as a careless reader may see it: cut at a zero byte, like a C string;
// without blanks and invisible characters at its ends, because many servers trim; and with its case
// folded. Two names that some server could confuse have the same canonical name.
func Canonical(name string) string {
	if at := strings.IndexByte(name, 0); at >= 0 {
		name = name[:at]
	}
	return foldCase(strings.TrimFunc(name, IsBlank))
}

// IsBlank reports whether some language's trim removes a character: white space, controls, and
// invisible characters.
func IsBlank(r rune) bool {
	switch {
	case r > ' ' && r < 0x7F:
		return false
	case r <= ' ' || r < 0xA1:
		return true
	case r >= 0xFE00 && r <= 0xFE0F, r == 0x115F, r == 0x1160, r == 0x2800, r == 0x3164,
		r == 0xFFA0:
		return true // variation selectors, and letters without a form
	}
	return unicode.In(r, unicode.Z, unicode.Cc, unicode.Cf,
		unicode.Other_Default_Ignorable_Code_Point)
}

// foldCase maps texts that are equal for strings.EqualFold to the same text.
func foldCase(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, s)
}

// canonicalNames returns the canonical names of fields.
func canonicalNames(fields map[string]Field) map[string]bool {
	out := make(map[string]bool, len(fields))
	for name := range fields {
		out[Canonical(name)] = true
	}
	return out
}
