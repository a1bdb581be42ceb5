package clientconfig

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// parseYAML reads one YAML document. It does not resolve aliases: a server with an alias is
// refused.
func parseYAML(data []byte) (*node, error) {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		var at yaml.Error
		if errors.As(err, &at) && at.GetToken() != nil {
			t := at.GetToken()
			return nil, &SyntaxError{t.Position.Line, t.Position.Column, at.GetMessage()}
		}
		return nil, faultAt(data, 0, "%s", err.Error())
	}
	y := yamlText{data: data, lines: []int{0}}
	for i, c := range data {
		if c == '\n' {
			y.lines = append(y.lines, i+1)
		}
	}
	var root *node
	for _, d := range file.Docs {
		if d.Body == nil || d.Body.Type() == ast.CommentType {
			continue
		}
		if root != nil {
			return nil, faultAt(data, root.end, "the text has more than one document")
		}
		if root, err = y.node(d.Body); err != nil {
			return nil, err
		}
	}
	if root == nil {
		root = &node{}
	}
	return root, nil
}

type yamlText struct {
	data  []byte
	lines []int // where each line begins
}

// offset returns the offset of a token. The parser's own offsets are not reliable, but its lines
// and columns are.
func (y *yamlText) offset(t *token.Token) (int, error) {
	line, column := t.Position.Line, t.Position.Column
	if line < 1 || line > len(y.lines) {
		return 0, faultAt(y.data, 0, "this YAML can't be edited in place")
	}
	at := y.lines[line-1]
	for range column - 1 {
		_, n := utf8.DecodeRune(y.data[min(at, len(y.data)):])
		at += n
	}
	literal := strings.TrimSpace(t.Origin)
	if at > len(y.data) || !bytes.HasPrefix(y.data[at:], []byte(literal)) {
		return 0, &SyntaxError{line, column, "this YAML can't be edited in place"}
	}
	return at, nil
}

func (y *yamlText) node(v ast.Node) (*node, error) {
	switch v := v.(type) {
	case *ast.MappingNode:
		return y.mapping(v)
	case *ast.MappingValueNode:
		return y.mapping(&ast.MappingNode{Values: []*ast.MappingValueNode{v}, Start: v.Start})
	case *ast.SequenceNode:
		return y.sequence(v)
	case *ast.AnchorNode:
		return y.node(v.Value)
	}
	t := v.GetToken()
	at, err := y.offset(t)
	if _, null := v.(*ast.NullNode); null && (err != nil || t.Origin == "") {
		return y.empty(t)
	}
	if err != nil {
		return nil, err
	}
	literal := strings.TrimSpace(t.Origin)
	n := &node{start: at, end: at + len(literal), text: literal}
	if s, ok := v.(*ast.StringNode); ok {
		n.kind, n.text = kindString, s.Value
	}
	return n, nil
}

// empty returns the node of a missing value, which begins after a colon or a dash.
func (y *yamlText) empty(t *token.Token) (*node, error) {
	line, column := t.Position.Line, t.Position.Column
	fault := &SyntaxError{line, column, "this YAML can't be edited in place"}
	if line < 1 || line > len(y.lines) {
		return nil, fault
	}
	text, _, _ := bytes.Cut(y.data[y.lines[line-1]:], []byte("\n"))
	for i := min(column, len(text)) - 1; i >= 0; i-- {
		switch text[i] {
		case ' ', '\t', '\r':
			continue
		case ':', '-':
			at := y.lines[line-1] + i + 1
			return &node{start: at, end: at, text: "null"}, nil
		}
		break
	}
	return nil, fault
}

func (y *yamlText) mapping(v *ast.MappingNode) (*node, error) {
	n := &node{kind: kindObject, lines: !v.IsFlowStyle}
	for i, pair := range v.Values {
		key := pair.Key.GetToken()
		at, err := y.offset(key)
		if err != nil {
			return nil, err
		}
		value, err := y.node(pair.Value)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			n.start = at
		}
		n.end = value.end
		n.members = append(n.members, member{key.Value, at, value})
	}
	if v.IsFlowStyle {
		return n, y.brackets(n, v.Start, v.End)
	}
	return n, nil
}

func (y *yamlText) sequence(v *ast.SequenceNode) (*node, error) {
	n := &node{kind: kindArray, lines: !v.IsFlowStyle}
	for i, value := range v.Values {
		item, err := y.node(value)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			n.start = item.start
		}
		n.end = item.end
		n.items = append(n.items, item)
	}
	if v.IsFlowStyle {
		return n, y.brackets(n, v.Start, v.End)
	}
	var err error
	n.start, err = y.offset(v.Start) // the first dash
	return n, err
}

// brackets sets the start and end of a flow collection.
func (y *yamlText) brackets(n *node, open, end *token.Token) (err error) {
	if n.start, err = y.offset(open); err != nil {
		return err
	}
	if n.end, err = y.offset(end); err != nil {
		return err
	}
	n.end++
	return nil
}
