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

// pathReadings returns the ways in which servers may read a path: as written; without quotes around
// it; with backslashes as slashes; without invisible characters; and with full-width and other
// variants replaced by plain characters.
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

// filePath returns the file that a path or a file: URI names. It is an error if servers may read
// the text in different ways.
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

// variable matches a Windows variable (%NAME%). Some path libraries replace it on every system.
var variable = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`%[A-Za-z_][A-Za-z0-9_]*%`)
})

// unclearPath says which part of a path some servers replace or leave out. It returns "" if there
// is no such part.
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
