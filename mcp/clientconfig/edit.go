package clientconfig

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// edit replaces data[start:end].
type edit struct {
	start, end int
	text       string
}

// wrapEdits replaces the command by the binary, and puts the words and the command's own literal
// before the args.
func wrapEdits(data []byte, s *stdio, binary string, words []string, f Format) []edit {
	if s.whole {
		first := s.command.items[0]
		return []edit{insertion(data, s.command, first.start, append([]string{quote(binary)},
			quoted(words)...))}
	}
	own := []string{string(data[s.command.start:s.command.end])}
	if f == YAML { // a plain text may have another meaning in a list
		own = []string{quote(s.command.text)}
	}
	if s.split != nil {
		own = quoted(s.split)
	}
	all := append(quoted(words), own...)
	edits := []edit{{s.command.start, s.command.end, quote(binary)}}
	switch {
	case s.null != nil:
		list := "[" + strings.Join(all, ", ") + "]"
		if s.null.start == s.null.end { // YAML: nothing after the colon
			list = " " + list
		}
		edits = append(edits, edit{s.null.start, s.null.end, list})
	case s.args == nil:
		edits[0].text += newArgs(data, s, f) + "[" + strings.Join(all, ", ") + "]"
	case len(s.args.items) == 0:
		at := s.args.start + 1
		edits = append(edits, edit{at, at, strings.Join(all, ", ")})
	default:
		edits = append(edits, insertion(data, s.args, s.args.items[0].start, all))
	}
	return edits
}

// newArgs returns the text between a command and its new list.
func newArgs(data []byte, s *stdio, f Format) string {
	at := s.body.member(s.key).keyStart
	switch {
	case f == TOML && s.body.lines:
		return blanksBefore(data, at, newline(data)) + "args = "
	case f == TOML:
		return ", args = "
	case f == YAML && s.body.lines:
		_, column := position(data, at)
		return newline(data) + strings.Repeat(" ", column-1) + "args: "
	case f == YAML:
		return ", args: "
	}
	return "," + blanksBefore(data, at, " ") + `"args": `
}

func newline(data []byte) string {
	if bytes.Contains(data, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

// insertion inserts literals before the item of list at the offset at.
func insertion(data []byte, list *node, at int, literals []string) edit {
	between := "," + blanksBefore(data, list.items[0].start, " ")
	if list.lines { // a YAML block
		dash := list.start
		_, column := position(data, dash)
		_, first := position(data, list.items[0].start)
		between = newline(data) + strings.Repeat(" ", column-1) + "-" +
			strings.Repeat(" ", first-column-1)
	}
	return edit{at, at, strings.Join(literals, between) + between}
}

// envEdit inserts words before the -- at items[at].
func envEdit(data []byte, s *stdio, at int, words []string, f Format) edit {
	list := s.args
	if s.whole {
		list = s.command
	}
	return insertion(data, list, s.items()[at].start, quoted(words))
}

// blanksBefore returns the line break and the indentation before at. If at does not begin a line,
// it returns otherwise.
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

func quoted(words []string) (out []string) {
	for _, w := range words {
		out = append(out, quote(w))
	}
	return out
}

// quote returns a JSON literal without escapes for <, > and &. It is also valid in TOML and YAML.
func quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}

// apply applies the edits. They must not overlap.
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
