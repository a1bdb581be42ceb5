package clientconfig

import (
	"path/filepath"
	"slices"
	"strings"
)

// Server is one entry of a configuration and what became of it.
type Server struct {
	Name string // its key
	// where it stands: mcpServers, servers, mcp.servers, projects./home/me/app.mcpServers
	Section string
	Line    int      // of its key
	Action  Action   // what was done
	Why     string   // for Left: the reason
	Before  []string // the command line as it was; nil for a remote server
	After   []string // and as it is now
}

// Action is what was done with a server.
type Action string

const (
	Wrapped   Action = "wrapped"
	Updated   Action = "updated" // it was wrapped; a variable that was added since is passed on now
	Unwrapped Action = "unwrapped"
	Left      Action = "left alone"
)

// entry is a server in the text.
type entry struct {
	section, name string
	keyStart      int
	body          *node
}

// entries lists the servers, in the order of the text.
func entries(data []byte) ([]entry, error) {
	root, err := parse(data)
	if err != nil {
		return nil, err
	}
	if root.kind != kindObject {
		return nil, faultAt(data, root.start,
			"expected an object with the servers, such as mcpServers")
	}
	sections, err := sectionsOf(data, root)
	if err != nil {
		return nil, err
	}
	if len(sections) == 0 {
		return nil, faultAt(data, root.start, "there is neither mcpServers nor servers in the file")
	}
	var out []entry
	for _, s := range sections {
		if s.body.kind != kindObject {
			return nil, faultAt(data, s.body.start, "%s is not an object", s.name)
		}
		if err := s.body.once(data); err != nil {
			return nil, err
		}
		for _, m := range s.body.members {
			if m.value.kind != kindObject {
				return nil, faultAt(data, m.value.start, "the server %q is not an object", m.key)
			}
			out = append(out, entry{section: s.name, name: m.key, keyStart: m.keyStart,
				body: m.value})
		}
	}
	slices.SortFunc(out, func(a, b entry) int { return a.keyStart - b.keyStart })
	return out, nil
}

type section struct {
	name string
	body *node
}

// sectionsOf finds the objects that hold servers.
func sectionsOf(data []byte, root *node) (out []section, err error) {
	add := func(in *node, prefix string, keys ...string) error {
		if in == nil || in.kind != kindObject {
			return nil
		}
		if err := in.once(data); err != nil {
			return err
		}
		for _, key := range keys {
			if body := in.get(key); body != nil {
				out = append(out, section{prefix + key, body})
			}
		}
		return nil
	}
	if err := add(root, "", "mcpServers", "servers"); err != nil {
		return nil, err
	}
	if err := add(root.get("mcp"), "mcp.", "servers"); err != nil {
		return nil, err
	}
	projects := root.get("projects")
	if err := add(projects, ""); err != nil || projects == nil {
		return out, err
	}
	for _, p := range projects.members {
		if err := add(p.value, "projects."+p.key+".", "mcpServers"); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// stdio is an entry that starts a program.
type stdio struct {
	command *node
	args    *node // nil: there is none
	env     []string
	envFile bool
}

// stdio reads an entry; why says why it is none.
func (e *entry) stdio(data []byte) (s *stdio, why string, err error) {
	if err := e.body.once(data); err != nil {
		return nil, "", err
	}
	if t := e.body.get("type"); t != nil && t.text != "stdio" {
		return nil, "it is a remote server", nil
	}
	command := e.body.get("command")
	if command == nil {
		for _, key := range []string{"url", "serverUrl", "httpUrl"} {
			if e.body.get(key) != nil {
				return nil, "it is a remote server", nil
			}
		}
		return nil, "it has no command", nil
	}
	s = &stdio{command: command, args: e.body.get("args"), envFile: e.body.get("envFile") != nil}
	if s.command.kind != kindString || s.command.text == "" {
		return nil, "", faultAt(data, s.command.start, "the command of the server %q is not a text",
			e.name)
	}
	if s.args != nil && (s.args.kind != kindArray ||
		slices.ContainsFunc(s.args.items, func(n *node) bool { return n.kind != kindString })) {
		return nil, "", faultAt(data, s.args.start,
			"the args of the server %q are not a list of texts", e.name)
	}
	if env := e.body.get("env"); env != nil {
		for _, v := range env.members {
			if v.key != "" && !strings.ContainsAny(v.key, "=\x00") &&
				!slices.Contains(s.env, v.key) {
				s.env = append(s.env, v.key)
			}
		}
	}
	return s, "", nil
}

func (s *stdio) line() []string {
	out := []string{s.command.text}
	if s.args != nil {
		for _, a := range s.args.items {
			out = append(out, a.text)
		}
	}
	return out
}

// separator returns the index in args of the -- after which the server's own command line comes, or
// 0 if the entry does not run under mcpbox.
func (s *stdio) separator(binary string) int {
	line := s.line()
	if len(line) < 4 || line[1] != "mcp" || line[0] != binary &&
		filepath.Base(line[0]) != "mcpbox" {
		return 0
	}
	at := slices.Index(line, "--") - 1
	if at < 1 || at+1 >= len(s.args.items) {
		return 0
	}
	return at
}

// passes reports whether the flags before -- pass the variable on.
func (s *stdio) passes(separator int, name string) bool {
	line := s.line()[1 : separator+1]
	for i, word := range line {
		if word == passEnv+name || strings.HasPrefix(word, passEnv+name+"=") || word == "--env" &&
			i+1 < len(line) && (line[i+1] == name || strings.HasPrefix(line[i+1], name+"=")) {
			return true
		}
	}
	return false
}
