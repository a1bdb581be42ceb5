package yaml

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// MaxBytes is the size of the largest file. The YAML parser's time grows with the square of the
// nesting, which maxNesting bounds.
const (
	MaxBytes   = 256 << 10
	maxNesting = 64
)

// Document is the parsed text of one file.
type Document struct {
	Source *Source
	body   ast.Node
}

// Parse parses a policy file. The problem is nil if the text is YAML or JSON with one document.
func Parse(data []byte, filename string) (*Document, *Problem) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // a byte order mark, as some editors write it
	src := &Source{filename, data}
	whole := Position{Source: src}
	if len(data) > MaxBytes {
		return nil, &Problem{whole, fmt.Sprintf("the policy is larger than %dKiB", MaxBytes>>10),
			""}
	}
	if !utf8.Valid(data) {
		return nil, &Problem{whole, "the policy is not UTF-8 text", ""}
	}
	if line := tooDeep(data); line > 0 {
		return nil, &Problem{Position{src, line, 1}, "nested too deep", ""}
	}
	if json.Valid(data) {
		// JSON may have tabs in its indentation, YAML may not.
		data = bytes.ReplaceAll(data, []byte("\t"), []byte(" "))
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, syntaxError(err, src)
	}
	var docs []ast.Node
	for _, d := range file.Docs {
		if d.Body != nil {
			docs = append(docs, d.Body)
		}
	}
	switch len(docs) {
	case 0:
		return nil, &Problem{whole, "the policy is empty", "begin with: version: 1"}
	case 1:
		return &Document{Source: src, body: docs[0]}, nil
	}
	d := decoder{src: src}
	return nil, &Problem{d.at(docs[1]), "a second document begins", "keep one policy per file"}
}

func syntaxError(err error, src *Source) *Problem {
	p := &Problem{Position{src, 1, 1}, err.Error(), ""}
	if e, ok := err.(interface {
		GetToken() *token.Token
		GetMessage() string
	}); ok {
		p.Message = e.GetMessage()
		if t := e.GetToken(); t != nil && t.Position != nil {
			p.At.Line, p.At.Column = t.Position.Line, t.Position.Column
		}
	}
	if strings.Contains(p.Message, "'\t'") {
		p.Hint = "YAML indents with spaces: replace the tab"
	}
	return p
}

// Text returns the text of a key at the top, before the document is decoded. A value of another
// type is left to Decode.
func (doc *Document) Text(key string) (string, Position, bool) {
	m, ok := doc.body.(*ast.MappingNode)
	if !ok {
		return "", Position{}, false
	}
	for _, entry := range m.Values {
		name, ok := ast.Node(entry.Key).(*ast.StringNode)
		if ok && name.Value == key && isText(entry.Value) {
			d := decoder{src: doc.Source}
			word, _ := text(entry.Value)
			return word, d.at(entry.Value), true
		}
	}
	return "", Position{}, false
}

// tooDeep returns the line on which brackets or dashes nest beyond reason, else 0.
func tooDeep(data []byte) int {
	line, depth := 1, 0
	for i, c := range data {
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(depth-1, 0)
		case '\n':
			line++
			if dashes(data[i+1:]) > maxNesting {
				return line
			}
		}
		if depth > maxNesting {
			return line
		}
	}
	if dashes(data) > maxNesting {
		return 1
	}
	return 0
}

func dashes(line []byte) (n int) {
	for len(line) > 0 && (line[0] == ' ' || line[0] == '-' || line[0] == '?') {
		if line[0] != ' ' {
			n++
		}
		line = line[1:]
	}
	return n
}
