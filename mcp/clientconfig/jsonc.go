package clientconfig

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
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

// maxDepth is far beyond any configuration, and keeps the parser off the end of the stack.
const maxDepth = 200

// SyntaxError is a text that is not JSON with comments.
type SyntaxError struct {
	Line, Column int // from 1; columns are characters
	Msg          string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Msg) }

type parser struct {
	data []byte
	pos  int
}

// parse reads one document: JSON, with // and /* */ comments, trailing commas and a byte order mark let pass.
func parse(data []byte) (root *node, err error) {
	p := &parser{data: data}
	defer func() {
		switch fault := recover().(type) {
		case nil:
		case *SyntaxError:
			root, err = nil, fault
		default:
			panic(fault)
		}
	}()
	if len(data) >= 3 && string(data[:3]) == "\xef\xbb\xbf" {
		p.pos = 3
	}
	if !utf8.Valid(data) {
		p.failAt(invalidAt(data), "this is not UTF-8")
	}
	p.space()
	root = p.value(0)
	p.space()
	if p.pos < len(data) {
		p.failAt(p.pos, "text after the end of the document")
	}
	return root, nil
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

// failAt ends the parse; parse recovers the fault, whatever the depth.
func (p *parser) failAt(at int, format string, args ...any) {
	panic(faultAt(p.data, at, format, args...))
}

func faultAt(data []byte, at int, format string, args ...any) *SyntaxError {
	line, column := position(data, at)
	return &SyntaxError{Line: line, Column: column, Msg: fmt.Sprintf(format, args...)}
}

// position counts lines and characters, from 1.
func position(data []byte, at int) (line, column int) {
	line, from := 1, 0
	for i, c := range data[:at] {
		if c == '\n' {
			line, from = line+1, i+1
		}
	}
	return line, utf8.RuneCount(data[from:at]) + 1
}

// peek is the next byte, or 0 at the end. A NUL in the text is nowhere valid.
func (p *parser) peek() byte {
	if p.pos < len(p.data) {
		return p.data[p.pos]
	}
	return 0
}

// space skips white space and comments.
func (p *parser) space() {
	for {
		switch c := p.peek(); {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			p.pos++
		case c == '/':
			p.comment()
		default:
			return
		}
	}
}

func (p *parser) comment() {
	start := p.pos
	p.pos++
	switch p.peek() {
	case '/':
		for p.pos < len(p.data) && p.data[p.pos] != '\n' {
			p.pos++
		}
	case '*':
		for p.pos++; ; p.pos++ {
			if p.pos+1 >= len(p.data) {
				p.failAt(start, "this comment is never closed")
			}
			if p.data[p.pos] == '*' && p.data[p.pos+1] == '/' {
				p.pos += 2
				return
			}
		}
	default:
		p.failAt(start, "expected a value or a comment, found /")
	}
}

func (p *parser) value(depth int) *node {
	if depth > maxDepth {
		p.failAt(p.pos, "nested more than %d deep", maxDepth)
	}
	n := &node{start: p.pos}
	switch c := p.peek(); c {
	case '{':
		n.kind = kindObject
		p.list('}', func() { n.members = append(n.members, p.member(depth)) })
	case '[':
		n.kind = kindArray
		p.list(']', func() { n.items = append(n.items, p.value(depth+1)) })
	case '"':
		n.kind, n.text = kindString, p.str()
	default:
		p.scalar()
	}
	n.end = p.pos
	return n
}

// list reads what is between brackets, each element by read.
func (p *parser) list(closing byte, read func()) {
	start := p.pos
	p.pos++
	for {
		p.space()
		if p.peek() == closing {
			p.pos++
			return
		}
		if p.pos >= len(p.data) {
			p.failAt(start, "this %c is never closed", p.data[start])
		}
		read()
		p.space()
		switch p.peek() {
		case ',':
			p.pos++
		case closing:
		default:
			if p.pos >= len(p.data) {
				p.failAt(start, "this %c is never closed", p.data[start])
			}
			p.failAt(p.pos, "expected a comma or %c, found %s", closing, p.found())
		}
	}
}

func (p *parser) member(depth int) member {
	m := member{keyStart: p.pos}
	if p.peek() != '"' {
		p.failAt(p.pos, "expected a key in double quotes, found %s", p.found())
	}
	m.key = p.str()
	p.space()
	if p.peek() != ':' {
		p.failAt(p.pos, "expected a colon after the key %q, found %s", m.key, p.found())
	}
	p.pos++
	p.space()
	m.value = p.value(depth + 1)
	return m
}

func (p *parser) str() string {
	start := p.pos
	for p.pos++; p.pos < len(p.data); p.pos++ {
		switch p.data[p.pos] {
		case '\\':
			p.pos++
		case '\n':
			p.failAt(start, "this text has no closing quote")
		case '"':
			p.pos++
			var s string
			if err := json.Unmarshal(p.data[start:p.pos], &s); err != nil {
				p.failAt(start, "this text is not valid JSON: a control character or an unknown escape is in it")
			}
			return s
		}
	}
	p.pos = len(p.data)
	p.failAt(start, "this text has no closing quote")
	return ""
}

func (p *parser) scalar() {
	start := p.pos
	for p.pos < len(p.data) && wordByte(p.data[p.pos]) {
		p.pos++
	}
	if start == p.pos || !json.Valid(p.data[start:p.pos]) {
		p.pos = start
		p.failAt(start, "expected a value, found %s", p.found())
	}
}

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '+' || c == '-' || c == '.' || c == '_'
}

// found describes what stands at the position.
func (p *parser) found() string {
	if p.pos >= len(p.data) {
		return "the end of the file"
	}
	end := p.pos
	for end < len(p.data) && end-p.pos < 20 && wordByte(p.data[end]) {
		end++
	}
	if end == p.pos {
		r, _ := utf8.DecodeRune(p.data[p.pos:])
		return fmt.Sprintf("%q", r)
	}
	return string(p.data[p.pos:end])
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

// once reports the first key that is there twice: which of the two a client takes can't be known.
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
