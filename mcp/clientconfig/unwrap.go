package clientconfig

import (
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// Unwrap removes mcpbox from data. If Wrap made an entry from the backup's entry, Unwrap restores
// that one. From any other entry it removes what Wrap adds, and keeps the rest. The backup may be
// nil.
func Unwrap(data, backup []byte, o Options) ([]byte, []Server, error) {
	list, err := entries(data, o.Format)
	if err != nil {
		return nil, nil, err
	}
	before, _ := entries(backup, o.Format) // without a usable backup, the edits are reversed
	var edits []edit
	var servers []Server
	for _, e := range list {
		if !o.wants(e.name) {
			continue
		}
		out := e.server(data)
		s, why, err := e.stdio(data)
		if err != nil {
			return nil, nil, err
		}
		at := 0
		if s != nil {
			why = "it is not wrapped"
			at = s.separator(o.Binary)
			out.Before = s.line()
			out.After = out.Before
		}
		if at == 0 {
			out.Why = why
			servers = append(servers, out)
			continue
		}
		old := find(before, e)
		out.Action = Unwrapped
		out.After = out.Before[at+2:]
		text, ok := restored(data, backup, e, s, old, o.Format)
		if ok && text == string(data[e.body.start:e.body.end]) {
			out.Action, out.After, out.Why = Left, out.Before, "it was wrapped before"
		}
		servers = append(servers, out)
		if ok {
			edits = append(edits, edit{e.body.start, e.body.end, text})
			continue
		}
		edits = append(edits, unwrapEdits(data, s, at, old, backup, o.Format)...)
	}
	if err := missing(o.Servers, servers); err != nil {
		return nil, nil, err
	}
	return apply(data, edits), servers, nil
}

func find(list []entry, e entry) *entry {
	i := slices.IndexFunc(list, func(b entry) bool {
		return b.section == e.section &&
			b.name == e.name
	})
	if i < 0 {
		return nil
	}
	return &list[i]
}

// restored returns the backup's entry, if the entry was made from it: if wrapping the backup's
// entry with the entry's flags gives the entry.
func restored(data, backup []byte, e entry, s *stdio, old *entry, f Format) (string, bool) {
	if old == nil {
		return "", false
	}
	was, _, err := old.stdio(backup)
	if err != nil || was == nil {
		return "", false
	}
	line := s.line()
	var made []edit
	if at := was.separator(line[0]); at == 0 {
		made = wrapEdits(backup, was, line[0], line[1:slices.Index(line, "--")+1], f)
	} else if words := missingEnv(was, at); len(words) > 0 && len(line) > len(was.line()) {
		made = []edit{envEdit(backup, was, at, words, f)}
	}
	// The edits are applied to the whole backup, because they may repeat blanks outside of the
	// entry.
	again := apply(backup, made)
	grown := len(again) - len(backup)
	if string(again[old.body.start:old.body.end+grown]) != string(data[e.body.start:e.body.end]) {
		return "", false
	}
	return string(backup[old.body.start:old.body.end]), true
}

// unwrapEdits restores the command's own literal, and removes the args up to it.
func unwrapEdits(data []byte, s *stdio, at int, old *entry, backup []byte, f Format) []edit {
	if s.whole {
		return []edit{{s.command.items[0].start, s.command.items[at+2].start, ""}}
	}
	own := s.args.items[at+1]
	edits := []edit{{s.command.start, s.command.end, string(data[own.start:own.end])}}
	if at+2 < len(s.args.items) {
		return append(edits, edit{s.args.items[0].start, s.args.items[at+2].start, ""})
	}
	if old != nil {
		was, _, _ := old.stdio(backup)
		if end, ok := inserted(data, s); ok && was != nil && was.args == nil {
			edits[0].end = end
			return edits
		}
	}
	if s.args.lines {
		return append(edits, edit{s.args.start, own.end, "[]"})
	}
	end := own.end
	if rest := strings.TrimLeft(string(data[end:s.args.end-1]), " \t\r\n"); strings.HasPrefix(rest,
		",") {
		end = s.args.end - 1 - len(rest) + 1
	}
	return append(edits, edit{s.args.items[0].start, end, ""})
}

// inserted reports whether the args follow the command, where Wrap puts them, and where they end.
func inserted(data []byte, s *stdio) (end int, ok bool) {
	if s.args.start < s.command.end {
		return 0, false
	}
	gap := strings.TrimSpace(string(data[s.command.end:s.body.member("args").keyStart]))
	return s.args.end, gap == "," || gap == "" && s.body.lines
}

// missing returns an error for a name in --server that no entry has.
func missing(names []string, servers []Server) error {
	for _, name := range names {
		if !slices.ContainsFunc(servers, func(s Server) bool { return s.Name == name }) {
			return hint.Errorf("name a key of mcpServers or servers",
				"there is no server called %q in the file", name)
		}
	}
	return nil
}
