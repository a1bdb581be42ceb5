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

// flat replaces slashes, because path.Match treats them specially.
func flat(s string) string { return strings.ReplaceAll(s, "/", "\x01") }

// EscapeGlob returns the pattern that matches only this name.
func EscapeGlob(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
}
