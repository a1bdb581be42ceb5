package policies

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	maxBytes   = 256 << 10 // a policy; the YAML parser's time grows with the square of the nesting
	maxNesting = 64
)

// document is one file's parsed text.
type document struct {
	src  *source
	body ast.Node
}

func parseDocument(data []byte, filename string) (*document, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // a byte order mark, as some editors write it
	src := &source{filename, data}
	start := position{src: src, line: 1, column: 1}
	if len(data) > maxBytes {
		return nil, asError([]Problem{{File: filename, Message: "the policy is larger than " + Size(maxBytes).String()}})
	}
	if !utf8.Valid(data) {
		return nil, asError([]Problem{{File: filename, Message: "the policy is not UTF-8 text"}})
	}
	if line := tooDeep(data); line > 0 {
		return nil, asError([]Problem{position{src, line, 1}.problem("", "nested too deep")})
	}
	if json.Valid(data) {
		data = bytes.ReplaceAll(data, []byte("\t"), []byte(" ")) // YAML has no tabs in its indentation; JSON has
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		at := start
		message := err.Error()
		if e, ok := err.(interface {
			GetToken() *token.Token
			GetMessage() string
		}); ok {
			message = e.GetMessage()
			if t := e.GetToken(); t != nil && t.Position != nil {
				at.line, at.column = t.Position.Line, t.Position.Column
			}
		}
		return nil, asError([]Problem{at.problem("", "%s", message)})
	}
	var docs []ast.Node
	for _, d := range file.Docs {
		if d.Body != nil {
			docs = append(docs, d.Body)
		}
	}
	switch len(docs) {
	case 0:
		return nil, asError([]Problem{{File: filename, Message: "the policy is empty", Hint: "begin with: version: 1"}})
	case 1:
		return &document{src: src, body: docs[0]}, nil
	}
	d := decoder{src: src}
	return nil, asError([]Problem{d.at(docs[1]).problem("keep one policy a file", "a second document begins")})
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
