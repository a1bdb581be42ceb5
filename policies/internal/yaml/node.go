package yaml

import (
	"fmt"
	"iter"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// entries walks a mapping. What is no mapping is a problem, except nothing (a key whose entries are
// all commented out).
func (d *decoder) entries(path string, n ast.Node) iter.Seq2[string, *ast.MappingValueNode] {
	return func(yield func(string, *ast.MappingValueNode) bool) {
		m, ok := n.(*ast.MappingNode)
		if _, null := n.(*ast.NullNode); null && path != "" {
			return
		}
		if !ok {
			d.fail(n, "write KEY: VALUE below it, indented by two spaces",
				"%s is a mapping (key: value), not %s", orPolicy(path), kindOf(n))
			return
		}
		for _, entry := range m.Values {
			key, ok := entry.Key.(ast.Node).(*ast.StringNode)
			if !ok {
				d.fail(entry.Key, "", "a key%s is text, not %s", inside(path), kindOf(entry.Key))
				continue
			}
			if !yield(key.Value, entry) {
				return
			}
		}
	}
}

// generic reads JSON-like data, as JSON Schemas are.
func (d *decoder) generic(n ast.Node) (any, bool) {
	switch n := n.(type) {
	case *ast.NullNode:
		return nil, true
	case *ast.BoolNode:
		return n.Value, true
	case *ast.IntegerNode:
		if u, ok := n.Value.(uint64); ok && u <= math.MaxInt64 {
			return int64(u), true
		}
		if i, ok := n.Value.(int64); ok {
			return i, true
		}
	case *ast.FloatNode:
		if n.Value == math.Trunc(n.Value) && math.Abs(n.Value) < 1<<53 {
			return int64(n.Value), true // 1.0 and 1 are the same number in JSON
		}
		return n.Value, true
	case *ast.StringNode, *ast.LiteralNode:
		word, _ := text(n)
		return word, true
	case *ast.SequenceNode:
		list := []any{}
		for _, item := range n.Values {
			value, ok := d.generic(item)
			if !ok {
				return nil, false
			}
			list = append(list, value)
		}
		return list, true
	case *ast.MappingNode:
		object := map[string]any{}
		for key, entry := range d.entries("parameters", n) {
			value, ok := d.generic(entry.Value)
			if !ok {
				return nil, false
			}
			object[key] = value
		}
		return object, true
	}
	d.fail(n, "only what JSON can say is allowed here", "%s is not allowed here", kindOf(n))
	return nil, false
}

// text gives a scalar's text as written.
func text(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func isText(n ast.Node) bool {
	switch n.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return true
	}
	return false
}

func kindOf(n ast.Node) string {
	word, _ := text(n)
	switch n.(type) {
	case *ast.MappingNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	case *ast.StringNode, *ast.LiteralNode:
		return "the text " + strconv.Quote(word)
	case *ast.BoolNode:
		return "the truth value " + word
	case *ast.IntegerNode, *ast.FloatNode:
		return "the number " + word
	}
	return fmt.Sprintf("a YAML %s", strings.ToLower(n.Type().String()))
}

// source1 repeats a scalar for a hint.
func source1(n ast.Node) string {
	if word, ok := text(n); ok {
		return word
	}
	return "…"
}

// fieldByKey finds a struct's field by its YAML key, with its allowed values; all keys come along
// for suggestions.
func fieldByKey(v reflect.Value, key string) (field reflect.Value, enum string, known []string) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := Key(f)
		known = append(known, name)
		if name == key {
			field, enum = v.Field(i), f.Tag.Get("enum")
		}
	}
	return field, enum, known
}

func Key(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

func Join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func inside(path string) string {
	if path == "" {
		return ""
	}
	return " in " + path
}

func orPolicy(path string) string {
	if path == "" {
		return "a policy"
	}
	return path
}
