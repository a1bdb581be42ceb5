package packages

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/packages/runner"
)

// Asked returns what was asked of a package in the words of which it can change: without a version,
// or by a range or a tag.
func (s *Store) Asked(p *Package) (out []*runner.Request, err error) {
	r := &runner.Request{Ecosystem: p.Ecosystem, Name: p.Name}
	known, err := s.refs(r)
	if err != nil {
		return nil, err
	}
	for _, asked := range slices.Sorted(maps.Keys(known)) {
		one := runner.OfKey(p.Ecosystem, p.Name, asked)
		if known[asked] == filepath.Base(p.Folder) && exact(one) == "" {
			out = append(out, one)
		}
	}
	return out, nil
}

// Fetch installs what a request means now, beside what it meant before, which it goes on to mean.
// If the registry has withdrawn the old version, that is recorded.
func (s *Store) Fetch(ctx context.Context, old *Package, r *runner.Request, o Options) (*Package,
	error) {
	o.Update, o.keep = true, true
	p, err := s.Install(ctx, r, o)
	if err != nil {
		return nil, err
	}
	why, there := p.versions[old.Version]
	switch {
	case len(p.versions) == 0:
	case !there:
		old.Withdrawn = "it is not there any more"
	default:
		old.Withdrawn = why
	}
	if len(p.versions) == 0 {
		return p, nil
	}
	return p, old.save()
}

// save replaces what is known of the package.
func (p *Package) save() error { return writeFile(filepath.Join(p.Folder, "mcpbox.json"), p) }

// Adopt makes a request mean a package from now on.
func (s *Store) Adopt(ctx context.Context, r *runner.Request, p *Package) error {
	unlock, err := s.lock(ctx, r, func() {})
	if err != nil {
		return err
	}
	defer unlock()
	known, err := s.refs(r)
	if err != nil {
		return err
	}
	known[r.Key()], known[r.KeyOf(p.Version)] = filepath.Base(p.Folder), filepath.Base(p.Folder)
	return writeFile(filepath.Join(s.folder(p.Ecosystem, p.Name), "refs.json"), known)
}

// Diff says what changes from one version to another: versions, install scripts, tools, and what
// the package is able to do. Each line begins with +, - or ~.
func Diff(from, to *Package) ([]string, error) {
	var out []string
	before, err := from.Members()
	if err != nil {
		return nil, err
	}
	after, err := to.Members()
	if err != nil {
		return nil, err
	}
	out = append(out, diffMaps("package", versionsOf(before), versionsOf(after))...)
	out = append(out, diffMaps("install script", set(from.Scripts), set(to.Scripts))...)
	if from.Tried && to.Tried {
		out = append(out, diffMaps("tool", from.Tools, to.Tools)...)
	}
	out = append(out, diffMaps("ability", abilities(from), abilities(to))...)
	return append(out, diffMaps("maintainer", set(from.Maintainers), set(to.Maintainers))...), nil
}

// versionsOf maps names to their versions; a tree may have several of one name.
func versionsOf(all []Member) map[string]string {
	out := map[string]string{}
	for _, m := range all {
		if !strings.Contains(" "+out[m.Name]+" ", " "+m.Version+" ") {
			out[m.Name] = strings.TrimSpace(out[m.Name] + " " + m.Version)
		}
	}
	return out
}

func set(names []string) map[string]string {
	out := map[string]string{}
	for _, n := range names {
		out[n] = ""
	}
	return out
}

// abilities are the findings about what the code can do.
func abilities(p *Package) map[string]string {
	out := map[string]string{}
	for _, f := range p.Findings {
		switch f.ID {
		case "exec", "network", "native", "minified", "obfuscated":
			out[f.What] = ""
		}
	}
	return out
}

func diffMaps(what string, a, b map[string]string) (out []string) {
	for _, name := range slices.Sorted(maps.Keys(b)) {
		was, there := a[name]
		is := b[name]
		switch {
		case !there:
			out = append(out, strings.TrimSpace(fmt.Sprintf("+ %s %s %s", what, name, short(is))))
		case was != is && len(is) == 64:
			out = append(out, fmt.Sprintf("~ %s %s: its definition has changed", what, name))
		case was != is:
			out = append(out, fmt.Sprintf("~ %s %s %s → %s", what, name, was, is))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if _, there := b[name]; !there {
			out = append(out, strings.TrimSpace(fmt.Sprintf("- %s %s %s", what, name,
				short(a[name]))))
		}
	}
	return out
}

// short leaves digests out.
func short(value string) string {
	if len(value) == 64 {
		return ""
	}
	return value
}

// Discard removes a version that no request means.
func (s *Store) Discard(ctx context.Context, p *Package) error {
	known, err := s.refs(&runner.Request{Ecosystem: p.Ecosystem, Name: p.Name})
	if err != nil {
		return err
	}
	for _, folder := range known {
		if folder == filepath.Base(p.Folder) {
			return nil
		}
	}
	return s.Remove(ctx, p)
}

var errNothing = errors.New("nothing was installed without a version, by a range or a tag")

// Updatable returns the installed packages whose version may change, by name; "" is all of them.
func (s *Store) Updatable(name string) (out map[*Package][]*runner.Request, err error) {
	all, err := s.List()
	if name != "" {
		all, err = s.Named(name)
	}
	if err != nil {
		return nil, err
	}
	out = map[*Package][]*runner.Request{}
	for _, p := range all {
		asked, err := s.Asked(p)
		if err != nil {
			return nil, err
		}
		if len(asked) > 0 {
			out[p] = asked
		}
	}
	if len(out) == 0 && name != "" {
		return nil, hint.Errorf("mcpbox install "+cmp.Or(name, "NAME")+" to follow the newest",
			"%s: %w", name, errNothing)
	}
	return out, nil
}
