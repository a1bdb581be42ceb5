package rootfs

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// Found describes the target of a path inside.
type Found struct {
	Host    string // the same file on the host; "" if it is on the sandbox's own storage
	Missing string // the first part that does not exist, after all links; "" if the file exists
	Link    string // the last link on the way, inside
	OnHost  string // where that link leads on the host, "" if nowhere
	Target  string // where that link leads, inside
}

// maxLinks is the kernel's MAXSYMLINKS.
const maxLinks = 40

// Find follows a path as the tool would, using the plan and the host's folders as they are now. Use
// it for hints only: the kernel decides by the mounts.
func (p *Plan) Find(path string) Found {
	var f Found
	rest := strings.Split(strings.Trim(filepath.Clean(path), "/"), "/")
	at := "/"
	for links := 0; len(rest) > 0; {
		next := filepath.Join(at, rest[0])
		rest = rest[1:]
		if next == at {
			continue
		}
		host, target, there := p.look(next)
		f.Host = host
		switch {
		case !there:
			f.Missing = next
			if _, in := below(f.Target, next); !in { // what the link leads to is there
				f.Link, f.OnHost, f.Target = "", "", ""
			}
			return f
		case target == "":
			at = next
		case links == maxLinks:
			f.Missing = next
			return f
		default:
			links++
			if !filepath.IsAbs(target) {
				target = filepath.Join(at, target)
			}
			f.Link, f.Target = next, filepath.Clean(target)
			f.OnHost = ""
			if host != "" {
				f.OnHost, _ = filepath.EvalSymlinks(host)
			}
			rest = append(strings.Split(strings.Trim(f.Target, "/"), "/"), rest...)
			at = "/"
		}
	}
	return f
}

// look returns the name's path on the host, its target if it is a link, and whether it exists.
func (p *Plan) look(path string) (host, target string, there bool) {
	for _, l := range p.Setup.Links {
		if l.Path == path {
			return "", l.Target, true
		}
	}
	m, source, _ := p.covering(path)
	if m.Type != "bind" {
		for _, op := range p.Cell { // binds from outer mounts
			if _, in := below(path, op.Source); in && op.Source != "" &&
				op.Target == initproto.Root+op.Source {
				source, m.Type = path, "bind"
			}
		}
	}
	if m.Type != "bind" {
		return "", "", p.made(path)
	}
	st, err := os.Lstat(source)
	if err != nil {
		return source, "", false
	}
	if st.Mode()&os.ModeSymlink != 0 {
		target, err = os.Readlink(source)
		return source, target, err == nil
	}
	return source, "", true
}

// made reports whether the setup or a mount creates this path.
func (p *Plan) made(path string) bool {
	for _, d := range p.Setup.Dirs {
		if _, in := below(d.Path, path); in {
			return true
		}
	}
	for _, f := range p.Setup.Files {
		if f.Path == path {
			return true
		}
	}
	for _, m := range p.Mounts {
		if _, in := below(m.Target, path); in && !m.Outer {
			return true
		}
	}
	return false
}

// Inside returns the path inside for a file of the host, if one of the caller's mounts contains it.
// Otherwise it returns "".
func (p *Plan) Inside(host string) string {
	for _, m := range p.Mounts {
		if rest, ok := below(host, m.Source); ok && m.User {
			return m.Target + rest
		}
	}
	return ""
}
