package policies

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/nearest"
	"github.com/mcpbox/mcpbox/policies/internal/yaml"
)

const maxExtends = 8

// inherit follows `extends`. It returns the policy at the root (a preset, or an empty policy) and
// the documents to merge onto it, the given one first.
func inherit(data []byte, filename string, read func(string) ([]byte, error)) (*Policy,
	[]*yaml.Document, error) {
	var chain []*yaml.Document
	var names []string
	for {
		doc, problem := yaml.Parse(data, filename)
		if problem != nil {
			return nil, nil, asError(problemsOf([]yaml.Problem{*problem}))
		}
		chain, names = append(chain, doc), append(names, identity(filename))
		base, at, _ := doc.Text("extends")
		if base == "" {
			return &Policy{Version: 1}, chain, nil
		}
		if p := preset(base); p != nil {
			return p, chain, nil
		}
		fail := func(remedy, format string, args ...any) (*Policy, []*yaml.Document, error) {
			return nil, nil, asError([]Problem{problemAt(at, remedy, format, args...)})
		}
		if !looksLikeFile(base) {
			return fail(nearest.Hint(base, BuiltinNames())+" (for a file, write ./NAME)",
				"extends: unknown preset %q", base)
		}
		filename = expandPath(base, filepath.Dir(filename))
		if i := slices.Index(names, identity(filename)); i >= 0 && i == len(names)-1 {
			return fail("name another policy, or none", "the policy extends itself")
		} else if i >= 0 {
			return fail("remove one extends of the cycle", "extends forms a cycle: %s",
				strings.Join(append(shortNames(names[i:]), filepath.Base(filename)), " → "))
		}
		if len(chain) == maxExtends {
			return fail("merge some of the files", "extends is more than %d policies deep",
				maxExtends)
		}
		var err error
		if data, err = read(filename); err != nil {
			return fail("a path is relative to the policy file", "extends: %v", err)
		}
	}
}

// identity returns the same text for two spellings of one file.
func identity(filename string) string {
	if abs, err := filepath.Abs(filename); err == nil {
		filename = abs
	}
	if real, err := filepath.EvalSymlinks(filename); err == nil {
		return real
	}
	return filename
}

func shortNames(names []string) []string {
	short := make([]string, len(names))
	for i, n := range names {
		short[i] = filepath.Base(n)
	}
	return short
}
