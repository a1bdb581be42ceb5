package mcp

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	securejoin "github.com/cyphar/filepath-securejoin"
)

// Parameters is what a tool's arguments must satisfy: a schema, and for arguments that are paths the folders they must be in.
type Parameters struct {
	whole *schema
	each  map[string]*schema // by argument, to tell which one is at fault
	paths map[string][]string
	names map[string]bool // of all that is ruled, at any depth
	folds map[string]bool // and without their case
}

// NewParameters compiles a JSON Schema and path rules (argument → folders as the server sees them). Either may be nil.
func NewParameters(rules map[string]any, paths map[string][]string) (*Parameters, error) {
	p := &Parameters{paths: paths, each: map[string]*schema{}, names: map[string]bool{}, folds: map[string]bool{}}
	for name := range paths {
		p.names[name], p.folds[folded(name)] = true, true
	}
	p.learnNames(rules)
	if rules == nil {
		return p, nil
	}
	var err error
	if p.whole, err = compileSchema(encode(rules)); err != nil {
		return nil, err
	}
	properties, _ := rules["properties"].(map[string]any)
	for name, sub := range properties {
		if s, err := compileSchema(encode(sub)); err == nil { // one with a $ref to the whole can't stand alone
			p.each[name] = s
		}
	}
	return p, nil
}

// learnNames notes the properties that a schema speaks of.
func (p *Parameters) learnNames(rules any) {
	switch rules := rules.(type) {
	case map[string]any:
		properties, _ := rules["properties"].(map[string]any)
		for name := range properties {
			p.names[name], p.folds[folded(name)] = true, true
		}
		for _, sub := range rules {
			p.learnNames(sub)
		}
	case []any:
		for _, sub := range rules {
			p.learnNames(sub)
		}
	}
}

// misspelt finds a member, at any depth, whose name is that of a ruled one but for case. To the rules it is another one; to
// a server that reads without regard to case, as many do, it is the ruled one.
func (p *Parameters) misspelt(v any) (name string, found bool) {
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			if !p.names[key] && p.folds[folded(key)] {
				return key, true
			}
			if name, found = p.misspelt(item); found {
				return name, true
			}
		}
	case []any:
		for _, item := range v {
			if name, found = p.misspelt(item); found {
				return name, true
			}
		}
	}
	return "", false
}

// check returns the argument at fault, if it is a single one, and what is wrong, in the operator's terms.
func (p *Parameters) check(args map[string]any, srv Instance) (at string, err error) {
	if p == nil {
		return "", nil
	}
	if name, found := p.misspelt(args); found {
		return "", fmt.Errorf("%q is the name of a ruled argument in another spelling", name)
	}
	if err := p.whole.validate(args); err != nil {
		for name, s := range p.each {
			if v, ok := args[name]; ok && s.validate(v) != nil {
				at = name
			}
		}
		return at, err
	}
	for name, folders := range p.paths {
		v, ok := args[name]
		if !ok {
			continue
		}
		if err := within(v, folders, srv); err != nil {
			return name, fmt.Errorf("%s: %w", name, err)
		}
	}
	return "", nil
}

// within checks a path, or a list of paths.
func within(v any, folders []string, srv Instance) error {
	switch v := v.(type) {
	case string:
		return inside(v, folders, srv)
	case []any:
		for _, item := range v {
			if err := within(item, folders, srv); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("not a path: %T", v)
}

// inside resolves a path as the server would, symbolic links and all, and looks where it ends. What the server does with
// it afterwards may differ if a link changes in between; the sandbox's own walls hold all the same.
func inside(p string, folders []string, srv Instance) error {
	for _, reading := range []string{p, strings.TrimSpace(p)} { // some servers trim
		file, err := fileOf(reading)
		if err != nil {
			return err
		}
		if !path.IsAbs(file) {
			file = srv.Dir() + "/" + file
		}
		// A server may clean the path before the kernel sees it, or not; "link/.." makes a difference.
		for _, candidate := range []string{file, path.Clean(file)} {
			real, err := resolve(srv.Root(), candidate)
			if err != nil {
				return fmt.Errorf("%q can't be resolved: %w", p, err)
			}
			under := func(folder string) bool {
				return real == folder || folder == "/" || strings.HasPrefix(real, folder+"/")
			}
			if !slices.ContainsFunc(folders, under) {
				return fmt.Errorf("%q leads to %q, which is not in %s", p, real, strings.Join(folders, ", "))
			}
		}
	}
	return nil
}

// fileOf is the file that a path, or a file's URI, names. What servers would read in different ways names none.
func fileOf(p string) (string, error) {
	scheme, rest, ok := strings.Cut(p, ":")
	switch {
	case strings.ContainsRune(p, 0) || strings.HasPrefix(p, "~"):
		return "", fmt.Errorf("%q: what it means is the server's to say", p)
	case !ok || strings.ContainsAny(scheme, "/ ") || !strings.EqualFold(scheme, "file") && !strings.HasPrefix(rest, "/"):
		return p, nil
	}
	u, err := url.Parse(p)
	if err != nil || u.Scheme != "file" || u.Host != "" || u.Path == "" || strings.ContainsAny(p, `?#\`) {
		return "", fmt.Errorf("%q is no file's URI", p)
	}
	return u.Path, nil
}

// resolve follows symbolic links below root; what does not exist is as it is written.
func resolve(root, p string) (string, error) {
	full, err := securejoin.SecureJoin(root, p)
	if err != nil {
		return "", err
	}
	return "/" + strings.TrimLeft(strings.TrimPrefix(full, strings.TrimSuffix(root, "/")), "/"), nil
}
