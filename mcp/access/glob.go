package access

import (
	"path"
	"strings"
)

// Match reports whether a pattern (*, ?, [a-z]) matches all of text. A * matches slashes too.
func Match(pattern, text string) bool {
	if pattern == "*" || pattern == text {
		return true
	}
	ok, _ := path.Match(flat(pattern), flat(text))
	return ok
}

// flat takes the meaning away that a slash has for path.Match.
func flat(s string) string { return strings.ReplaceAll(s, "/", "\x01") }

// EscapeGlob is the pattern that matches name alone.
func EscapeGlob(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
}
