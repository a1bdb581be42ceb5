package clientconfig

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tailscale/hujson"
)

type kind int

const (
	kindScalar kind = iota // number, true, false, null
	kindString
	kindArray
	kindObject
)

// node is a value with its place in the text: data[start:end] is its literal.
type node struct {
	kind       kind
	start, end int
	text       string   // a string's value
	items      []*node  // an array's
	members    []member // an object's, in the order of the text
}

type member struct {
	key      string
	keyStart int
	value    *node
}

// maxBrackets is far beyond any configuration, and keeps the parser off the end of the stack.
const maxBrackets = 100_000

// SyntaxError is a text that is not JSON with comments.
type SyntaxError struct {
	Line, Column int // from 1; columns are characters
	Msg          string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Msg) }

// parse reads one document: JSON, where comments, trailing commas and a byte order mark may stand.
func parse(data []byte) (*node, error) {
	if !utf8.Valid(data) {
		return nil, faultAt(data, invalidAt(data), "this is not UTF-8")
	}
	if bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) > maxBrackets {
		return nil, faultAt(data, 0, "more than %d brackets are in it", maxBrackets)
	}
	// A blank for each byte of the mark keeps every offset as it is. The last line may be a
	// comment.
	text := append(bytes.Clone(data), '\n')
	if mark := []byte("\xef\xbb\xbf"); bytes.HasPrefix(text, mark) {
		copy(text, "   ")
	}
	root, err := hujson.Parse(text)
	if err != nil {
		return nil, placed(text, err)
	}
	return nodeOf(&root), nil
}

// placed takes the place out of the parser's message, which counts columns in bytes.
func placed(text []byte, err error) *SyntaxError {
	var line, column int
	msg := err.Error()
	if _, scan := fmt.Sscanf(msg, "hujson: line %d, column %d:", &line, &column); scan != nil {
		return &SyntaxError{Line: 1, Column: 1, Msg: msg}
	}
	_, msg, _ = strings.Cut(strings.TrimPrefix(msg, "hujson: "), ": ")
	at := 0
	for range line - 1 {
		at += bytes.IndexByte(text[at:], '\n') + 1
	}
	// The line break at the end was added here: an error at the end is before it.
	return faultAt(text, min(at+column-1, len(text)-1), "%s", msg)
}

func nodeOf(v *hujson.Value) *node {
	n := &node{start: v.StartOffset, end: v.EndOffset}
	switch value := v.Value.(type) {
	case *hujson.Object:
		n.kind = kindObject
		for i := range value.Members {
			m := &value.Members[i]
			key, _ := m.Name.Value.(hujson.Literal)
			n.members = append(n.members, member{key.String(), m.Name.StartOffset,
				nodeOf(&m.Value)})
		}
	case *hujson.Array:
		n.kind = kindArray
		for i := range value.Elements {
			n.items = append(n.items, nodeOf(&value.Elements[i]))
		}
	case hujson.Literal:
		if value.Kind() == '"' {
			n.kind, n.text = kindString, value.String()
		}
	}
	return n
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

func (n *node) member(key string) *member {
	for i := range n.members {
		if n.members[i].key == key {
			return &n.members[i]
		}
	}
	return nil
}

// once reports the first duplicate key: a client may use either of the two.
func (n *node) once(data []byte) error {
	seen := map[string]bool{}
	for _, m := range n.members {
		if seen[m.key] {
			return faultAt(data, m.keyStart, "%q is there twice", m.key)
		}
		seen[m.key] = true
	}
	return nil
}
