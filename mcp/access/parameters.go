package access

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/mcp/internal/schema"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"

	securejoin "github.com/cyphar/filepath-securejoin"
)

// Parameters is what a tool's arguments must satisfy: a schema, and for arguments that are paths the folders they must be in.
type Parameters struct {
	whole       *schema.Schema
	each        map[string]*schema.Schema // by argument, to tell which one is at fault
	paths       map[string][]string
	names       map[string]bool // of all that is ruled, at any depth
	foldedNames map[string]bool // and without their case
}

// NewParameters compiles a JSON Schema and path rules (argument → folders as the server sees them). Either may be nil.
func NewParameters(rules map[string]any, paths map[string][]string) (*Parameters, error) {
	p := &Parameters{paths: paths, each: map[string]*schema.Schema{}, names: map[string]bool{}, foldedNames: map[string]bool{}}
	for name := range paths {
		p.names[name], p.foldedNames[wire.FoldCase(name)] = true, true
	}
	p.learnNames(rules)
	if rules == nil {
		return p, nil
	}
	var err error
	if p.whole, err = schema.Compile(wire.Encode(rules)); err != nil {
		return nil, err
	}
	properties, _ := rules["properties"].(map[string]any)
	for name, sub := range properties {
		if s, err := schema.Compile(wire.Encode(sub)); err == nil { // one with a $ref to the whole can't stand alone
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
			p.names[name], p.foldedNames[wire.FoldCase(name)] = true, true
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

// caseVariant finds a member, at any depth, whose name is that of a ruled one but for case. To the rules it is another one; to
// a server that reads without regard to case, as many do, it is the ruled one.
func (p *Parameters) caseVariant(v any) (name string, found bool) {
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			if !p.names[key] && p.foldedNames[wire.FoldCase(key)] {
				return key, true
			}
			if name, found = p.caseVariant(item); found {
				return name, true
			}
		}
	case []any:
		for _, item := range v {
			if name, found = p.caseVariant(item); found {
				return name, true
			}
		}
	}
	return "", false
}

// Filesystem is what a server sees of files: paths are followed as it would follow them.
type Filesystem interface {
	Root() string // a path on the host through which the server's file system can be seen
	Dir() string  // the server's working directory
}

// Check returns the argument at fault, if it is a single one, and what is wrong, in the operator's terms.
func (p *Parameters) Check(args map[string]any, fs Filesystem) (at string, err error) {
	if p == nil {
		return "", nil
	}
	if name, found := p.caseVariant(args); found {
		return "", fmt.Errorf("%q is the name of a ruled argument in another spelling", name)
	}
	if err := p.whole.Validate(args); err != nil {
		for name, s := range p.each {
			if v, ok := args[name]; ok && s.Validate(v) != nil {
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
		if err := withinFolders(v, folders, fs); err != nil {
			return name, fmt.Errorf("%s: %w", name, err)
		}
	}
	return "", nil
}

// withinFolders checks a path, or a list of paths.
func withinFolders(v any, folders []string, fs Filesystem) error {
	switch v := v.(type) {
	case string:
		return insideFolders(v, folders, fs)
	case []any:
		for _, item := range v {
			if err := withinFolders(item, folders, fs); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("not a path: %T", v)
}

// insideFolders resolves a path as the server would, symbolic links and all, and looks where it ends. What the server does with
// it afterwards may differ if a link changes in between; the sandbox's own walls hold all the same.
func insideFolders(p string, folders []string, fs Filesystem) error {
	for _, reading := range []string{p, strings.TrimSpace(p)} { // some servers trim
		file, err := filePath(reading)
		if err != nil {
			return err
		}
		if !path.IsAbs(file) {
			file = fs.Dir() + "/" + file
		}
		// A server may clean the path before the kernel sees it, or not; "link/.." makes a difference.
		for _, candidate := range []string{file, path.Clean(file)} {
			real, err := resolveSymlinks(fs.Root(), candidate)
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

// filePath is the file that a path, or a file's URI, names. What servers would read in different ways names none.
func filePath(p string) (string, error) {
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

// resolveSymlinks follows symbolic links below root; what does not exist is as it is written.
func resolveSymlinks(root, p string) (string, error) {
	full, err := securejoin.SecureJoin(root, p)
	if err != nil {
		return "", err
	}
	return "/" + strings.TrimLeft(strings.TrimPrefix(full, strings.TrimSuffix(root, "/")), "/"), nil
}
