package learn

import (
	"fmt"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mcpbox/mcpbox/internal/plural"
)

const (
	maxEnum     = 12  // different values
	maxEnumText = 128 // bytes of one value
	maxHosts    = 5
)

// segment is a name in a path: it begins with a letter, a digit or _, and has no two dots in a row.
const segment = `[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*`

// alphabet is a class of texts. The narrowest one with all samples is used.
type alphabet struct{ name, pattern string }

// alphabets returns the alphabets, narrow ones first. None matches an empty text, a blank, a
// leading dash or dot, or "..".
func alphabets() []alphabet {
	return []alphabet{
		{"digits", `^[0-9]+$`},
		{"a date", `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`},
		{"a UUID", `^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`},
		{"lower-case letters, digits, - and _", `^[a-z0-9_][a-z0-9_-]*$`},
		{"letters, digits, - and _", `^[A-Za-z0-9_][A-Za-z0-9_-]*$`},
		{"a file name", `^` + segment + `$`},
		{"a relative path", `^` + segment + `(/` + segment + `)*/?$`},
	}
}

func (l *learner) text(at string, schema map[string]any, values []string, depth int) {
	if l.enum(at, schema, values) || l.folder(at, schema, values, depth) ||
		l.hosts(at, schema, values) {
		return
	}
	l.length(at, schema, values)
	is, ok := narrowest(values)
	if !ok {
		l.because(at, "%s without a common format: only the length", plural.Of(len(values), "text"))
		return
	}
	if early, _ := narrowest(train(values)); early != is {
		l.because(at, "the last third had another format: no pattern")
		return
	}
	schema["pattern"] = is.pattern
	l.because(at, "%s, %d different, each %s", plural.Of(len(values), "text"),
		len(distinct(values)), is.name)
}

func distinct(values []string) map[string]int {
	out := map[string]int{}
	for _, v := range values {
		out[v]++
	}
	return out
}

// enum handles texts with few distinct values that repeat.
func (l *learner) enum(at string, schema map[string]any, values []string) bool {
	counts := distinct(values)
	if len(counts) > maxEnum || len(counts)*3 > len(values) ||
		len(distinct(train(values))) != len(counts) {
		return false
	}
	for text, n := range counts {
		if n < 2 || len(text) > maxEnumText {
			return false
		}
	}
	list := slices.Sorted(maps.Keys(counts))
	schema["enum"] = list
	var shown []string
	for _, text := range list {
		shown = append(shown, fmt.Sprintf("%q %s", text, plural.Of(counts[text], "time")))
	}
	l.because(at, "only %s", strings.Join(shown, ", "))
	return true
}

func (l *learner) length(at string, schema map[string]any, values []string) {
	bound, longest := roomy(longestOf(train(values)), 16), longestOf(values)
	if longest > bound {
		l.because(at, "texts still became longer in the last third: no maxLength")
		return
	}
	schema["maxLength"] = roomy(longest, 16)
}

func longestOf(values []string) (n int) {
	for _, v := range values {
		n = max(n, utf8.RuneCountInString(v))
	}
	return n
}

func narrowest(values []string) (alphabet, bool) {
	for _, a := range alphabets() {
		if matches(a.pattern, values) {
			return a, true
		}
	}
	return alphabet{}, false
}

func matches(pattern string, values []string) bool {
	re := regexp.MustCompile(pattern)
	return !slices.ContainsFunc(values, func(v string) bool { return !re.MatchString(v) })
}

// folder handles absolute paths with a common folder.
func (l *learner) folder(at string, schema map[string]any, values []string, depth int) bool {
	if slices.ContainsFunc(values, func(v string) bool { return !strings.HasPrefix(v, "/") }) {
		return false
	}
	common := commonFolder(train(values))
	pattern := `^` + regexp.QuoteMeta(common) + `(/` + segment + `)*/?$`
	if !specific(common) || !matches(pattern, values) {
		l.because(at, "absolute paths without a common folder, or with names that begin with a "+
			"dot: only their length")
		l.length(at, schema, values)
		return true
	}
	schema["pattern"] = pattern
	l.length(at, schema, values)
	if depth == 1 {
		l.paths[at] = []string{common}
	}
	l.because(at, "%s, all in %s", plural.Of(len(values), "path"), common)
	return true
}

func commonFolder(values []string) string {
	if len(values) == 0 {
		return "/"
	}
	common := path.Dir(values[0])
	for _, v := range values {
		for common != "/" && v != common && !strings.HasPrefix(v, common+"/") {
			common = path.Dir(common)
		}
	}
	return common
}

// specific reports whether a folder is narrow enough: not the whole system, and not everybody's
// files.
func specific(folder string) bool {
	switch folder {
	case "/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/media", "/mnt", "/opt", "/proc",
		"/root", "/run", "/sbin", "/srv", "/sys", "/usr", "/var":
		return false
	}
	return path.Clean(folder) == folder && path.Dir(folder) != "/home"
}

// hosts handles URLs with few hosts. The pattern allows no user names, other ports or escapes.
func (l *learner) hosts(at string, schema map[string]any, values []string) bool {
	early, late := map[string]bool{}, map[string]bool{}
	for i, v := range values {
		u, err := url.Parse(v)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return false
		}
		origin := u.Scheme + "://" + u.Host
		late[origin] = true
		if i < len(train(values)) {
			early[origin] = true
		}
	}
	var quoted []string
	for _, origin := range slices.Sorted(maps.Keys(late)) {
		quoted = append(quoted, regexp.QuoteMeta(origin))
	}
	pattern := `^(` + strings.Join(quoted, "|") +
		`)(/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*/?(\?[A-Za-z0-9_.~&=+,:-]*)?(#[A-Za-z0-9_.~-]*)?$`
	l.length(at, schema, values)
	if len(late) > maxHosts || len(early) != len(late) || len(late)*3 > len(values) ||
		!matches(pattern, values) {
		l.because(at, "URLs of %d hosts, or without a common format: only their length", len(late))
		return true
	}
	schema["pattern"] = pattern
	l.because(at, "%s, all of %s", plural.Of(len(values), "URL"),
		strings.Join(slices.Sorted(maps.Keys(late)), ", "))
	return true
}
