package clientconfig

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/tailscale/hujson"
)

// parseJSON reads JSON with comments and trailing commas.
func parseJSON(data []byte) (*node, error) {
	// Blanks in place of the byte order mark keep all offsets. The last line may be a comment.
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

// placed moves the position from the parser's message into the error. The parser counts columns in
// bytes.
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
	// This function added the line break at the end, so an error at the end is before it.
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
		n.text = string(value)
		if value.Kind() == '"' {
			n.kind, n.text = kindString, value.String()
		}
	}
	return n
}
