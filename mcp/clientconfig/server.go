package clientconfig

import (
	"path/filepath"
	"slices"
	"strings"
)

// Server is one entry of a configuration, and what was done with it.
type Server struct {
	Name string // its key
	// the path of its section: mcpServers, servers, mcp.servers, projects./home/me/app.mcpServers
	Section string
	Line    int      // of its key
	Action  Action   // what was done
	Why     string   // for Left: the reason
	Notes   []string // remarks about a wrapped server
	Before  []string // the command line as it was; nil for a remote server
	After   []string // the command line now
}

// Action is what was done with a server.
type Action string

const (
	Wrapped Action = "wrapped"
	// it was already wrapped; a variable that was added later is passed on now
	Updated   Action = "updated"
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
func entries(data []byte, f Format) ([]entry, error) {
	root, err := parse(data, f)
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
		more, err := s.entries(data)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	slices.SortFunc(out, func(a, b entry) int { return a.keyStart - b.keyStart })
	return out, nil
}

func (s *section) entries(data []byte) (out []entry, err error) {
	if s.body.kind == kindArray && len(s.body.items) > 0 { // Continue: each has its name in it
		for _, item := range s.body.items {
			if name := item.get("name"); name != nil && name.kind == kindString {
				out = append(out, entry{s.name, name.text, item.start, item})
			}
		}
		return out, nil
	}
	if s.body.kind != kindObject {
		return nil, faultAt(data, s.body.start, "%s is not an object", s.name)
	}
	if err := s.body.once(data); err != nil {
		return nil, err
	}
	for _, m := range s.body.members {
		switch {
		case m.value.kind == kindObject:
			out = append(out, entry{s.name, m.key, m.keyStart, m.value})
		case !s.mixed:
			return nil, faultAt(data, m.value.start, "the server %q is not an object", m.key)
		}
	}
	return out, nil
}

type section struct {
	name  string
	body  *node
	mixed bool // it may contain other things than servers
}

// places lists the keys under which clients keep their servers.
var places = []struct {
	keys  []string
	mixed bool
}{
	{[]string{"mcpServers"}, false},      // most clients
	{[]string{"servers"}, false},         // VS Code
	{[]string{"mcp", "servers"}, false},  // VS Code's settings
	{[]string{"context_servers"}, false}, // Zed
	{[]string{"amp.mcpServers"}, false},  // Amp
	{[]string{"mcp_servers"}, false},     // Codex
	{[]string{"extensions"}, true},       // Goose
	{[]string{"mcp"}, true},              // opencode, where the command is a list
}

// sectionsOf finds the objects that hold servers.
func sectionsOf(data []byte, root *node) (out []section, err error) {
	for _, p := range places {
		in := root
		for _, key := range p.keys[:len(p.keys)-1] {
			if in = in.get(key); in == nil || in.kind != kindObject {
				in = nil
				break
			}
		}
		if in == nil {
			continue
		}
		if err := in.once(data); err != nil {
			return nil, err
		}
		body := in.get(p.keys[len(p.keys)-1])
		if body == nil || p.mixed && !holdsServers(body) {
			continue
		}
		out = append(out, section{strings.Join(p.keys, "."), body, p.mixed})
	}
	projects := root.get("projects") // Claude Code
	if projects == nil || projects.kind != kindObject {
		return out, nil
	}
	if err := projects.once(data); err != nil {
		return nil, err
	}
	for _, p := range projects.members {
		if body := p.value.get("mcpServers"); body != nil {
			out = append(out, section{"projects." + p.key + ".mcpServers", body, false})
		}
	}
	return out, nil
}

// holdsServers distinguishes the servers of opencode and Goose from data of other programs under
// the same keys.
func holdsServers(n *node) bool {
	return n.kind == kindObject && slices.ContainsFunc(n.members, func(m member) bool {
		return m.value.kind == kindObject && m.value.get("type") != nil
	})
}

// stdio is an entry that starts a program.
type stdio struct {
	body    *node // where command and args are
	key     string
	command *node
	args    *node // nil: there is none
	// null is the null that stands for the args; nil: there is none
	null *node
	// whole: the command is a list with all arguments, and args is nil
	whole bool
	// split holds the words of a command that is a whole command line
	split   []string
	env     []string // names of the variables that the client sets
	values  map[string]string
	asked   []string // names of variables whose values only the client knows
	dir     string
	envFile bool
}

// stdio reads an entry that starts a program. For other entries, why gives the reason.
func (e *entry) stdio(data []byte) (s *stdio, why string, err error) {
	if err := e.body.once(data); err != nil {
		return nil, "", err
	}
	if why := notStdio(e.body); why != "" {
		return nil, why, nil
	}
	s = &stdio{body: e.body, envFile: e.body.get("envFile") != nil}
	keys := []string{"command", "cmd"}
	if c := e.body.get("command"); c != nil && c.kind == kindObject { // Zed, until 2025
		s.body, keys = c, []string{"path"}
	}
	for _, key := range keys {
		if s.command = s.body.get(key); !s.command.none() {
			s.key = key
			break
		}
	}
	if s.command.none() {
		return nil, noCommand(e.body), nil
	}
	if err := s.readLine(data, e.name, e.section == "mcp"); err != nil {
		return nil, "", err
	}
	s.readEnv(e.body)
	if s.body != e.body {
		s.readEnv(s.body)
	}
	if cwd := e.body.get("cwd"); cwd != nil && cwd.kind == kindString {
		s.dir = cwd.text
	}
	return s, "", nil
}

// notStdio says why an entry does not start a program. It returns "" if it may.
func notStdio(body *node) string {
	t := body.get("type")
	if t == nil {
		return ""
	}
	switch t.text {
	case "stdio", "local":
		return ""
	case "builtin", "platform":
		return "it is built into the client"
	case "frontend", "inline_python":
		return "it runs inside the client"
	}
	return "it is a remote server"
}

func noCommand(body *node) string {
	for _, key := range []string{"url", "serverUrl", "httpUrl", "uri"} {
		if !body.get(key).none() {
			return "it is a remote server"
		}
	}
	return "it has no command"
}

// readLine reads the command line and checks that it can be rewritten.
// list says that the command may be a list.
func (s *stdio) readLine(data []byte, name string, list bool) error {
	if s.command.kind == kindArray && list {
		s.whole = true
		if len(s.command.items) == 0 || slices.ContainsFunc(s.command.items, notText) {
			return faultAt(data, s.command.start,
				"the command of the server %q is not a list of texts", name)
		}
		return nil
	}
	if s.command.kind != kindString || s.command.text == "" {
		return faultAt(data, s.command.start, "the command of the server %q is not a text", name)
	}
	s.args = s.body.get("args")
	if s.args != nil && s.args.none() {
		s.args, s.null = nil, s.args
	}
	if s.args != nil && (s.args.kind != kindArray || slices.ContainsFunc(s.args.items, notText)) {
		return faultAt(data, s.args.start, "the args of the server %q are not a list of texts",
			name)
	}
	if strings.ContainsAny(s.command.text, " \t") {
		s.split = splitLine(s.command.text)
	}
	return nil
}

func notText(n *node) bool { return n.kind != kindString }

// readEnv reads the variables that the client sets, with their values or only by name.
func (s *stdio) readEnv(body *node) {
	add := func(name string) bool {
		if name == "" || strings.ContainsAny(name, "=\x00") || slices.Contains(s.env, name) {
			return false
		}
		s.env = append(s.env, name)
		return true
	}
	for _, key := range []string{"env", "envs", "environment"} {
		env := body.get(key)
		if env == nil {
			continue
		}
		for _, v := range env.members {
			if !add(v.key) {
				continue
			}
			if s.values == nil {
				s.values = map[string]string{}
			}
			s.values[v.key] = v.value.text
		}
	}
	// Goose's are in its keyring, Codex's in its own environment.
	for _, key := range []string{"env_keys", "env_vars"} {
		list := body.get(key)
		if list == nil {
			continue
		}
		for _, item := range list.items {
			if n := item.get("name"); n != nil {
				item = n
			}
			if item.kind == kindString && add(item.text) && key == "env_keys" {
				s.asked = append(s.asked, item.text)
			}
		}
	}
}

// line returns the command line.
func (s *stdio) line() []string {
	if s.whole {
		return texts(s.command)
	}
	out := []string{s.command.text}
	if s.split != nil {
		out = slices.Clone(s.split)
	}
	if s.args != nil {
		out = append(out, texts(s.args)...)
	}
	return out
}

func texts(list *node) (out []string) {
	for _, n := range list.items {
		out = append(out, n.text)
	}
	return out
}

// items returns the nodes of the words after the command.
func (s *stdio) items() []*node {
	switch {
	case s.whole:
		return s.command.items[1:]
	case s.args != nil:
		return s.args.items
	}
	return nil
}

// separator returns the index in items of the -- after which the server's own command line comes,
// or 0 if the entry does not run under mcpbox.
func (s *stdio) separator(binary string) int {
	line := s.line()
	if s.split != nil || len(line) < 4 || line[1] != "mcp" ||
		line[0] != binary && filepath.Base(line[0]) != "mcpbox" {
		return 0
	}
	at := slices.Index(line, "--") - 1
	if at < 1 || at+1 >= len(s.items()) {
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
