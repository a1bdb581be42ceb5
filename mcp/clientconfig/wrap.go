package clientconfig

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
)

// Options say how servers are rewritten.
type Options struct {
	Format Format
	Binary string // how the client starts mcpbox
	// the absolute path of mcpbox, for servers that set PATH, because the name may then mean
	// another program
	Path    string
	Flags   []string // of mcpbox mcp, e.g. --policy strict
	Servers []string // only these; nil: all
	// Decide returns what one server needs in addition. nil: nothing.
	Decide func(Request) Decision
	// Check is called with the new entry. It returns a reason not to write it ("": write it), and
	// remarks. nil: all entries are written.
	Check func(Request, []string) (leave string, notes []string)
}

// Request describes how a client starts a server.
type Request struct {
	Name    string
	Section string
	Command []string
	Env     map[string]string // what the client sets
	Asked   []string          // variables whose values only the client knows
	Dir     string            // the folder that the entry names, or ""
}

// Decision says what to do with one server.
type Decision struct {
	Leave string   // why it must not be wrapped; "": wrap it
	Flags []string // of mcpbox mcp, after those for all
	Notes []string
}

func (o *Options) wants(name string) bool {
	return o.Servers == nil || slices.Contains(o.Servers, name)
}

func (o *Options) binary(s *stdio) string {
	if o.Path != "" && slices.Contains(s.env, "PATH") {
		return o.Path
	}
	return o.Binary
}

// passEnv passes a variable on by its name. It is one word with the name, so that no name can be
// taken for another flag.
const passEnv = "--env="

// nameFlag passes the client's name of the server to the proxy, for allowlist rules.
const nameFlag = "--name="

// Wrap returns data with every stdio server under mcpbox. servers says what was done with each
// server, and why some stay unchanged.
func Wrap(data []byte, o Options) ([]byte, []Server, error) {
	list, err := entries(data, o.Format)
	if err != nil {
		return nil, nil, err
	}
	var edits []edit
	var servers []Server
	for _, e := range list {
		if !o.wants(e.name) {
			continue
		}
		s, more, err := wrapEntry(data, e, o)
		if err != nil {
			return nil, nil, err
		}
		servers, edits = append(servers, s), append(edits, more...)
	}
	if err := missing(o.Servers, servers); err != nil {
		return nil, nil, err
	}
	out := apply(data, edits)
	return out, servers, verify(data, out, o.Format, list, servers)
}

// verify parses the new text: every edited entry must start the intended command, and no other
// entry may have changed.
func verify(before, after []byte, f Format, was []entry, servers []Server) error {
	if bytes.Equal(before, after) {
		return nil
	}
	const advice = "it can't be edited in place: put mcpbox mcp before its command yourself"
	now, err := entries(after, f)
	if err != nil || len(now) != len(was) {
		return errors.New(advice)
	}
	for i, e := range now {
		s, _, err := e.stdio(after)
		old, _, _ := was[i].stdio(before)
		if err != nil || (s == nil) != (old == nil) {
			return faultAt(before, was[i].keyStart, advice)
		}
		if s == nil {
			continue
		}
		want := old.line()
		for _, server := range servers {
			if server.Name == e.name && server.Section == e.section {
				want = server.After
			}
		}
		if !slices.Equal(s.line(), want) {
			return faultAt(before, was[i].keyStart, advice)
		}
	}
	return nil
}

func wrapEntry(data []byte, e entry, o Options) (Server, []edit, error) {
	out := e.server(data)
	s, why, err := e.stdio(data)
	if err != nil || s == nil {
		out.Why = why
		return out, nil, err
	}
	out.Before = s.line()
	out.After = out.Before
	if o.Leave(s, &out) {
		return out, nil, nil
	}
	at := s.separator(o.Binary)
	r := Request{Name: e.name, Section: e.section, Command: out.Before, Env: s.values,
		Asked: s.asked, Dir: s.dir}
	if at > 0 {
		r.Command = out.Before[at+2:]
	}
	var d Decision
	if o.Decide != nil {
		d = o.Decide(r)
	}
	binary := o.binary(s)
	made := slices.Concat([]string{"mcp"}, o.Flags, d.Flags, []string{nameFlag + e.name})
	for _, name := range s.env {
		made = append(made, passEnv+name)
	}
	made = append(made, "--")
	if at > 0 {
		edits := updateEntry(data, s, at, slices.Concat([]string{binary}, made), &out, o.Format)
		return out, edits, nil
	}
	if out.Why = d.Leave; out.Why != "" {
		return out, nil, nil
	}
	after := slices.Concat([]string{binary}, made, out.Before)
	out.Notes = d.Notes
	if s.envFile {
		out.Notes = append(out.Notes,
			"the variables in its envFile are not passed on: add --env NAME for each")
	}
	if o.Check != nil {
		leave, notes := o.Check(r, after)
		if out.Why = leave; leave != "" {
			out.Notes = nil
			return out, nil, nil
		}
		out.Notes = append(out.Notes, notes...)
	}
	out.Action, out.After = Wrapped, after
	return out, wrapEdits(data, s, binary, made, o.Format), nil
}

// Leave reports whether a command can't be rewritten without a change of its meaning.
func (o *Options) Leave(s *stdio, out *Server) bool {
	if s.split != nil || s.whole || !strings.ContainsAny(s.command.text, " \t") {
		return false
	}
	if _, err := os.Stat(s.command.text); err == nil {
		return false // a program with a blank in its path
	}
	out.Why = "its command is a command line for a shell: write the program in command, and each " +
		"argument in args"
	return true
}

// updateEntry handles an entry that already runs under mcpbox.
func updateEntry(data []byte, s *stdio, at int, want []string, out *Server, f Format) []edit {
	words := missingEnv(s, at)
	if len(words) == 0 {
		out.Why = "it is already wrapped"
		// The author of the file may also have written this entry: the program may only be named
		// mcpbox, and the policy may be none.
		if has := out.Before[:at+2]; !slices.Equal(has, want) {
			out.Why = "it already runs under: " + strings.Join(has[:at+1], " ")
		}
		return nil
	}
	out.Action = Updated
	out.After = slices.Insert(slices.Clone(out.Before), at+1, words...)
	return []edit{envEdit(data, s, at, words, f)}
}

func missingEnv(s *stdio, at int) (words []string) {
	for _, name := range s.env {
		if !s.passes(at, name) {
			words = append(words, passEnv+name)
		}
	}
	return words
}

func (e *entry) server(data []byte) Server {
	line, _ := position(data, e.keyStart)
	return Server{Name: e.name, Section: e.section, Line: line, Action: Left}
}
