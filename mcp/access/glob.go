package access

import (
	"path"
	"strings"
)

// glob matches all of text; a * matches slashes too, as the proxy's own patterns do.
func glob(pattern, text string) bool {
	ok, _ := path.Match(flat(pattern), flat(text))
	return ok || pattern == text
}

// flat takes the meaning away that a slash has for path.Match.
func flat(s string) string { return strings.ReplaceAll(s, "/", "\x01") }

// EscapeGlob is the pattern that matches name alone.
func EscapeGlob(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
}
