package clientconfig

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Options say how servers are rewritten.
type Options struct {
	Binary string // how the client starts mcpbox
	// its absolute path: for servers that set PATH, where the name may mean another program
	Path    string
	Flags   []string // of mcpbox mcp, e.g. --policy strict
	Servers []string // only these; nil: all
	// Leave says why a command line must not be wrapped; "": wrap it. nil: wrap all.
	Leave func(command []string) string
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

// passEnv passes a variable on by its name. In one word, so that no name can be taken for something
// else.
const passEnv = "--env="

// nameFlag passes the client's name of the server to the proxy: allowlist rules use it.
const nameFlag = "--name="

// edit replaces data[start:end].
type edit struct {
	start, end int
	text       string
}

// Wrap returns data with every stdio server under mcpbox. servers says what was done with each, and
// why a server was left alone.
func Wrap(data []byte, o Options) ([]byte, []Server, error) {
	list, err := entries(data)
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
	return apply(data, edits), servers, nil
}

func wrapEntry(data []byte, e entry, o Options) (Server, []edit, error) {
	out := e.server(data)
	s, why, err := e.stdio(data)
	if err != nil || s == nil {
		out.Why = why
		return out, nil, err
	}
	binary := o.binary(s)
	out.Before = s.line()
	out.After = out.Before
	made := slices.Concat([]string{"mcp"}, o.Flags, []string{nameFlag + e.name})
	for _, name := range s.env {
		made = append(made, passEnv+name)
	}
	made = append(made, "--")
	if at := s.separator(o.Binary); at > 0 {
		words := missingEnv(s, at)
		if len(words) == 0 {
			out.Why = "it is already wrapped"
			// Whoever wrote the file may have written this as well: any program is called mcpbox,
			// and a policy may be none.
			if has := out.Before[:at+2]; !slices.Equal(has, slices.Concat([]string{binary}, made)) {
				out.Why = "it already runs under: " + strings.Join(has[:at+1], " ")
			}
			return out, nil, nil
		}
		out.Action = Updated
		out.After = slices.Insert(slices.Clone(out.Before), at+1, words...)
		return out, []edit{envEdit(data, s, at, words)}, nil
	}
	if o.Leave != nil {
		if out.Why = o.Leave(out.Before); out.Why != "" {
			return out, nil, nil
		}
	}
	out.Action = Wrapped
	out.After = slices.Concat([]string{binary}, made, out.Before)
	if s.envFile {
		out.Why = "the variables in its envFile are not passed on: add --env NAME for each"
	}
	return out, wrapEdits(data, e.body, s, binary, made), nil
}

// wrapEdits puts the binary in the command's place, and the words and the command's own literal
// before the args.
func wrapEdits(data []byte, body *node, s *stdio, binary string, words []string) []edit {
	command := string(data[s.command.start:s.command.end])
	edits := []edit{{s.command.start, s.command.end, quote(binary)}}
	if s.args == nil {
		text := "," + blanksBefore(data, body.member("command").keyStart, " ") + `"args": [` +
			joined(words, data, nil) + command + "]"
		edits[0].text += text
		return edits
	}
	if len(s.args.items) == 0 {
		at := s.args.start + 1
		return append(edits, edit{at, at, joined(words, data, nil) + command})
	}
	at := s.args.items[0].start
	return append(edits, edit{at, at, joined(words, data, s.args) + command + "," +
		between(data, s.args)})
}

// joined is the words as literals, each with a comma and the blanks that stand between args.
func joined(words []string, data []byte, args *node) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString(quote(w) + "," + between(data, args))
	}
	return b.String()
}

// between is the white space between two elements of args: that before the first one.
func between(data []byte, args *node) string {
	if args == nil || len(args.items) == 0 {
		return " "
	}
	return blanksBefore(data, args.items[0].start, " ")
}

// blanksBefore is the line break and the indentation before at, or otherwise if at does not begin a
// line.
func blanksBefore(data []byte, at int, otherwise string) string {
	from := at
	for from > 0 && (data[from-1] == ' ' || data[from-1] == '\t') {
		from--
	}
	if from == 0 || data[from-1] != '\n' {
		return otherwise
	}
	from--
	if from > 0 && data[from-1] == '\r' {
		from--
	}
	return string(data[from:at])
}

// envEdit puts words before the -- at args[at].
func envEdit(data []byte, s *stdio, at int, words []string) edit {
	dashes := s.args.items[at].start
	return edit{dashes, dashes, joined(words, data, s.args)}
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

// quote is a JSON literal that leaves <, > and & as they are.
func quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}

// apply makes the edits, which don't overlap.
func apply(data []byte, edits []edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int { return a.start - b.start })
	var out []byte
	from := 0
	for _, e := range edits {
		out = append(append(out, data[from:e.start]...), e.text...)
		from = e.end
	}
	return append(out, data[from:]...)
}
