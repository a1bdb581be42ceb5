package clientconfig

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// Format is the format of a configuration file.
type Format int

const (
	JSON Format = iota // with comments and trailing commas
	TOML
	YAML
)

// FormatOf finds the format of a file by its name or, if the name is not enough, by its content.
func FormatOf(path string, data []byte) (Format, error) {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".json", ".jsonc", ".json5", "":
		return JSON, nil
	case ".toml":
		return TOML, nil
	case ".yaml", ".yml":
		return YAML, nil
	default:
		text := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), " \t\r\n")
		if len(text) > 0 && (text[0] == '{' || text[0] == '/') {
			return JSON, nil
		}
		return 0, hint.Errorf("mcpbox reads JSON, TOML and YAML: edit the file yourself, "+
			"with mcpbox mcp before the command",
			"client config %s: the format %s is not supported", path, ext)
	}
}

type kind int

const (
	kindScalar kind = iota // number, true, false, null
	kindString
	kindArray
	kindObject
)

// node is a value with its position: data[start:end] is its literal.
type node struct {
	kind       kind
	start, end int
	text       string   // a string's value, a scalar's literal
	items      []*node  // an array's
	members    []member // an object's, in the order of the text
	// lines: each member or item is on its own line: a TOML table, a YAML block
	lines bool
}

type member struct {
	key      string
	keyStart int
	value    *node
}

// maxBrackets is far more than any configuration has. It protects the parsers from a stack
// overflow.
const maxBrackets = 100_000

// SyntaxError reports a text that does not have the syntax of its format.
type SyntaxError struct {
	Line, Column int // from 1; columns are characters
	Msg          string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Msg) }

// parse reads one document, with or without a byte order mark.
func parse(data []byte, f Format) (*node, error) {
	if !utf8.Valid(data) {
		return nil, faultAt(data, invalidAt(data), "the text is not UTF-8")
	}
	if bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) > maxBrackets {
		return nil, faultAt(data, 0, "the text has more than %d brackets", maxBrackets)
	}
	switch f {
	case TOML:
		return parseTOML(data)
	case YAML:
		return parseYAML(data)
	}
	return parseJSON(data)
}

func invalidAt(data []byte) (at int) {
	for at < len(data) {
		r, n := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return at
}

func faultAt(data []byte, at int, format string, args ...any) *SyntaxError {
	line, column := position(data, at)
	return &SyntaxError{Line: line, Column: column, Msg: fmt.Sprintf(format, args...)}
}

// position counts lines and characters, from 1.
func position(data []byte, at int) (line, column int) {
	before := data[:at]
	line = 1 + bytes.Count(before, []byte("\n"))
	return line, 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
}

// get returns the value of the member called key, or nil.
func (n *node) get(key string) *node {
	if m := n.member(key); m != nil {
		return m.value
	}
	return nil
}

// none reports that there is no value, or a null.
func (n *node) none() bool {
	return n == nil || n.kind == kindScalar && (n.text == "null" || n.text == "~")
}

func (n *node) member(key string) *member {
	if n == nil {
		return nil
	}
	for i := range n.members {
		if n.members[i].key == key {
			return &n.members[i]
		}
	}
	return nil
}

// once returns an error for the first duplicate key, because a client may use either of the two.
func (n *node) once(data []byte) error {
	seen := map[string]bool{}
	for _, m := range n.members {
		if seen[m.key] {
			return faultAt(data, m.keyStart, "%q occurs twice", m.key)
		}
		seen[m.key] = true
	}
	return nil
}
