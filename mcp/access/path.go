package access

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/mcpbox/mcpbox/mcp/internal/wire"
)

// pathReadings are the ways in which servers may read a path: as it is written; without quotes
// around it; with backslashes for slashes; without characters that are not seen; and with
// full-width and other variants of characters made plain.
func pathReadings(p string) []string {
	all := []string{p}
	add := func(reading string) {
		if !slices.Contains(all, reading) {
			all = append(all, reading)
		}
	}
	add(strings.Trim(p, "\"'`"))
	if strings.Contains(p, `\`) {
		add(strings.ReplaceAll(p, `\`, "/"))
	}
	if strings.ContainsFunc(p, func(r rune) bool { return r >= 0x7F }) {
		add(strings.Map(func(r rune) rune {
			if wire.IsBlank(r) && !unicode.IsSpace(r) {
				return -1
			}
			return r
		}, p))
		add(norm.NFKC.String(p))
	}
	return all
}

// filePath is the file that a path or a file: URI names. A text that servers may read in different
// ways is an error.
func filePath(p string) (string, error) {
	if why := unclearPath(p); why != "" {
		return "", fmt.Errorf("%q %s: servers read that in different ways", p, why)
	}
	scheme, rest, ok := strings.Cut(p, ":")
	if !ok || strings.ContainsAny(scheme, "/ ") ||
		!strings.EqualFold(scheme, "file") && !strings.HasPrefix(rest, "/") {
		if escapes().MatchString(p) {
			return "", fmt.Errorf("%q has an escape: servers read that in different ways", p)
		}
		return p, nil
	}
	u, err := url.Parse(p)
	if err != nil || u.Scheme != "file" || u.Host != "" || u.Path == "" ||
		strings.ContainsAny(p, `?#\`) {
		return "", fmt.Errorf("%q is not the URI of a local file", p)
	}
	if why := unclearPath(u.Path); why != "" || escapes().MatchString(u.Path) {
		why = cmp.Or(why, "has an escape in an escape")
		return "", fmt.Errorf("%q %s: servers read that in different ways", p, why)
	}
	return u.Path, nil
}

// variable is a variable as Windows writes it. Some path libraries replace it everywhere.
var variable = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`%[A-Za-z_][A-Za-z0-9_]*%`)
})

// unclearPath says what in a path some servers replace or leave out; "": nothing.
func unclearPath(p string) string {
	switch {
	case strings.ContainsRune(p, 0):
		return "has a zero byte"
	case strings.TrimFunc(p, wire.IsBlank) != p:
		return "begins or ends with a blank or an invisible character"
	case strings.HasPrefix(p, "~"):
		return "begins with ~"
	case strings.ContainsRune(p, '$') || variable().MatchString(p):
		return "has a variable"
	case strings.Contains(p, "..") && strings.ContainsAny(p, "{}"):
		return "has braces and dots"
	case strings.ContainsFunc(p, unicode.IsControl):
		return "has a control character"
	}
	return ""
}
