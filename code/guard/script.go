package guard

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/tdewolff/parse/v2"
	"github.com/tdewolff/parse/v2/js"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/monitor"
)

// script parses JavaScript. The parser bounds its own recursion (a thousand levels).
func (j *judge) script(source []byte) error {
	input := parse.NewInputBytes(bytes.Clone(source))
	text := input.Bytes()
	tree, err := js.Parse(input, js.Options{WhileToFor: false})
	if err != nil {
		if !utf8.Valid(source) || strings.Contains(err.Error(), "nest") ||
			strings.Contains(err.Error(), "too many") {
			return fmt.Errorf("too deeply nested, or not text")
		}
		at := place{1, 1}
		if e, ok := err.(*parse.Error); ok {
			at = place{e.Line, e.Column}
			err = fmt.Errorf("%s", e.Message)
		}
		j.add(kindOther, "syntax", monitor.Low, at, "the code does not compile",
			safetext.Clean(err.Error(), 200))
		// What does not parse here may still run: the parser is younger or older than the
		// interpreter.
		return fmt.Errorf("JavaScript that the guard's parser does not know")
	}
	s := &script{judge: j, text: text, values: map[*js.Var][]value{}}
	js.Walk(collector{s}, tree)
	js.Walk(reporter{s}, tree)
	return nil
}

// script is one look at one program. Its values are what variables may hold.
type script struct {
	*judge
	text   []byte
	values map[*js.Var][]value
	last   place // of the nearest name or literal before: not every node says where it stands
}

// at finds where a slice of the source begins. Every name and literal of the tree is such a slice.
func (s *script) at(part []byte) place {
	if len(part) == 0 || len(s.text) == 0 {
		return s.last
	}
	start, p := uintptr(unsafe.Pointer(unsafe.SliceData(s.text))), uintptr(
		unsafe.Pointer(unsafe.SliceData(part)),
	)
	if p < start || p >= start+uintptr(len(s.text)) {
		return s.last
	}
	before := s.text[:p-start]
	line := bytes.LastIndexByte(before, '\n') + 1
	s.last = place{bytes.Count(before, []byte{'\n'}) + 1, utf8.RuneCount(before[line:]) + 1}
	return s.last
}

// where is the place of an expression: that of its last name.
func (s *script) where(e js.IExpr) place {
	switch e := e.(type) {
	case *js.Var:
		return s.at(e.Data)
	case js.LiteralExpr:
		return s.at(e.Data)
	case *js.LiteralExpr:
		return s.at(e.Data)
	case *js.DotExpr:
		return s.where(e.Y)
	case *js.IndexExpr:
		return s.where(e.Y)
	case *js.CallExpr:
		return s.where(e.X)
	case *js.NewExpr:
		return s.where(e.X)
	case *js.GroupExpr:
		return s.where(e.X)
	case *js.BinaryExpr:
		return s.where(e.X)
	case *js.TemplateExpr:
		if len(e.List) > 0 {
			return s.at(e.List[0].Value)
		}
		return s.at(e.Tail)
	}
	return s.last
}

// moduleName takes off what does not matter: node:fs/promises is fs.
func moduleName(name string) string { return strings.TrimPrefix(name, "node:") }

// imported reports a module.
func (s *script) imported(name string, at place, how string) {
	s.named(kindModule, moduleName(name), at, how)
	if strings.HasPrefix(name, "data:") || strings.HasPrefix(name, "http:") ||
		strings.HasPrefix(name, "https:") {
		s.add(kindOther, "import-url", monitor.High, at, "loads code from a URL", "")
	}
}
