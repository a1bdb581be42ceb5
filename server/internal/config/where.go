package config

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/nearest"
)

// mistake is an error in the value at a path of the file, such as $.webhooks[0].url.
type mistake struct {
	path string
	err  error
}

func (m *mistake) Error() string { return m.err.Error() }
func (m *mistake) Unwrap() error { return m.err }

// at says where in the file an error is.
func at(err error, path string, args ...any) error {
	if err == nil {
		return nil
	}
	return &mistake{fmt.Sprintf(path, args...), err}
}

// located is an error about a file, with line and column as far as they are known.
func located(name string, data []byte, err error) error {
	where, known := name, hint.Of(err)
	if p := position(data, err); p != nil {
		where = fmt.Sprintf("%s:%d:%d", name, p.Line, p.Column)
	}
	return hint.Wrap(fmt.Errorf("config %s: %w", where, err), known)
}

func position(data []byte, err error) *token.Position {
	var m *mistake
	if !errors.As(err, &m) {
		return scalar(data, err)
	}
	for path := m.path; path != "$" && path != ""; path = path[:strings.LastIndexAny(path, ".[")] {
		if p, err := yaml.PathString(path); err == nil {
			if node, err := p.ReadNode(strings.NewReader(string(data))); err == nil {
				return node.GetToken().Position
			}
		}
	}
	return nil
}

// scalar finds the value that an error quotes: a type that decodes itself does not know where.
func scalar(data []byte, err error) *token.Position {
	quoted := regexp.MustCompile(`"(?:[^"\\]|\\.)*"`).FindString(err.Error())
	text, unquoteErr := strconv.Unquote(quoted)
	file, parseErr := parser.ParseBytes(data, 0)
	if unquoteErr != nil || parseErr != nil {
		return nil
	}
	s := &search{text: text}
	for _, doc := range file.Docs {
		ast.Walk(s, doc)
	}
	return s.found
}

type search struct {
	text  string
	found *token.Position
}

// Visit implements ast.Visitor.
func (s *search) Visit(node ast.Node) ast.Visitor {
	if t := node.GetToken(); s.found == nil && t != nil && t.Value == s.text {
		s.found = t.Position
	}
	return s
}

// decodeError is an error of the decoder, with line, column, and the key that was meant.
func decodeError(name string, data []byte, err error) error {
	const remedy = "docs/API.md describes the keys"
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		return located(name, data, hint.Wrap(errors.New(firstLine(err.Error())), remedy))
	}
	p, message := at.GetToken().Position, at.GetMessage()
	out := fmt.Errorf("config %s:%d:%d: %s", name, p.Line, p.Column, firstLine(message))
	if key, ok := strings.CutPrefix(message, "unknown field "); ok {
		key, _ = strconv.Unquote(key)
		known := keys(reflect.TypeFor[Config](), p.Column > 1)
		if meant := nearest.Word(key, known); meant != "" {
			return hint.Wrap(out, "did you mean "+meant+"? "+remedy)
		}
	}
	return hint.Wrap(out, remedy)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// keys are those of the file, or, deep, of all that is in it.
func keys(t reflect.Type, deep bool) (out []string) {
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Pointer:
		return keys(t.Elem(), deep)
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); name != "" {
				out = append(out, name)
				if deep {
					out = append(out, keys(f.Type, deep)...)
				}
			}
		}
	}
	return out
}
