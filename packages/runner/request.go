package runner

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Request is what a command line asks a runner for.
type Request struct {
	Ecosystem Ecosystem
	Name      string   // "@acme/notes"
	Range     string   // "1.2.3", "^1", a tag; "" is the newest
	Program   string   // the one of the package's programs to run; "" is the one of its name
	Args      []string // of the program

	Extras  []string // optional parts of a package of PyPI, sorted
	With    []string // further packages of PyPI beside it: "acme-words>=1"
	Python  string   // the version of the interpreter: "3.12"; "" is any
	Index   string   // the registry, instead of the configured one; "": that one
	Indexes []string // further indexes of PyPI
}

// Spec is the package as the runner takes it: NAME or NAME@RANGE.
func (r *Request) Spec() string {
	name := r.Name
	if len(r.Extras) > 0 {
		name += "[" + strings.Join(r.Extras, ",") + "]"
	}
	if r.Range == "" || strings.ContainsAny(r.Range[:1], "=<>!~") && r.Ecosystem == PyPI {
		return name + r.Range
	}
	return name + "@" + r.Range
}

// Key is all of a request that says what is installed, but the name: its range alone, if there is
// no more.
func (r *Request) Key() string { return r.KeyOf(r.Range) }

// KeyOf is the key of the same request for other versions.
func (r *Request) KeyOf(versions string) string {
	v := url.Values{}
	for name, values := range map[string][]string{"extra": r.Extras, "with": r.With,
		"python": {r.Python}, "registry": {r.Index}, "index": r.Indexes} {
		for _, value := range values {
			// A store is no place for a password.
			if u, err := url.Parse(value); err == nil && u.User != nil {
				u.User = nil
				value = u.String()
			}
			if value != "" {
				v.Add(name, value)
			}
		}
	}
	if len(v) == 0 {
		return versions
	}
	return versions + "?" + v.Encode()
}

// OfKey is the request of a key.
func OfKey(e Ecosystem, name, key string) *Request {
	versions, rest, _ := strings.Cut(key, "?")
	v, _ := url.ParseQuery(rest) // what can't be read is left out
	return &Request{Ecosystem: e, Name: name, Range: versions, Extras: v["extra"], With: v["with"],
		Python: v.Get("python"), Index: v.Get("registry"), Indexes: v["index"]}
}

// name takes NAME[@RANGE], for PyPI also NAME[EXTRA,…].
func (r *Request) name(spec string) bool {
	spec, r.Extras = extras(r.Ecosystem, spec)
	var ok bool
	r.Name, r.Range, ok = Split(r.Ecosystem, spec)
	return ok
}

// extras takes [EXTRA,…] out of a spec.
func extras(e Ecosystem, spec string) (rest string, out []string) {
	before, after, ok := strings.Cut(spec, "[")
	list, after, closed := strings.Cut(after, "]")
	if e != PyPI || !ok || !closed {
		return spec, nil
	}
	for _, one := range strings.Split(list, ",") {
		if one = strings.TrimSpace(one); !pypiName.MatchString(one) {
			return spec, nil // which is no name
		}
		out = append(out, Normal(one))
	}
	slices.Sort(out)
	return before + after, slices.Compact(out)
}

func (r *Request) addWith(value string) bool {
	for _, one := range strings.Split(value, ",") {
		with := &Request{Ecosystem: PyPI}
		if !with.name(strings.TrimSpace(one)) {
			return false
		}
		r.With = append(r.With, with.Spec())
	}
	slices.Sort(r.With)
	r.With = slices.Compact(r.With)
	return true
}

// setPython takes 3.12, 3.12.1, python3.12 or cpython@3.12. A host has one 3.12: the last part does
// not count.
func (r *Request) setPython(value string) bool {
	m := regexp.MustCompile(`^(?:c?python@?)?(3\.\d+)(?:\.\d+)?$`).FindStringSubmatch(value)
	if m == nil {
		return false
	}
	r.Python = m[1]
	return true
}

func (r *Request) setIndex(value string) bool {
	r.Index = value
	return isURL(value)
}

// addIndex takes URL or, as uv does, NAME=URL.
func (r *Request) addIndex(value string) bool {
	if name, rest, ok := strings.Cut(value, "="); ok && programName.MatchString(name) {
		value = rest
	}
	r.Indexes = append(r.Indexes, value)
	return isURL(value)
}

func isURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Hostname() != "" && (u.Scheme == "https" || u.Scheme == "http")
}
