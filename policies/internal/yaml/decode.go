package yaml

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/nearest"
)

// Types says how the types are written that are not plain YAML values.
type Types struct {
	// Quantity: scalars with a unit, set by their method Set(string) error; the value is an
	// example.
	Quantity map[reflect.Type]string
	// Short: mappings that may be written as one text. The function gets a pointer to the value.
	Short map[reflect.Type]func(v any, text string) error
	// Number reads a uint64: a number, or names of constants.
	Number func(text string) (uint64, error)
}

// Decode lays the document over into, a pointer to a struct that may hold inherited values. It
// notes in index where each field was last set, by path, and returns what is wrong.
func (doc *Document) Decode(into any, types Types, index map[string]Position) []Problem {
	d := decoder{src: doc.Source, types: types, index: index}
	d.decode("", doc.body, reflect.ValueOf(into).Elem(), "")
	return d.problems
}

// decoder lays one document over a value that may hold an inherited policy already: scalars are
// set, mappings are entered, lists grow, and a key prefixed with "!" starts its list or map afresh.
// Decoding onto the base is the merge.
type decoder struct {
	src      *Source
	types    Types
	index    map[string]Position // field path → where it was last set
	problems []Problem
}

func (d *decoder) at(n ast.Node) Position {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		n = m.Values[0].Key
	}
	var t *token.Token
	if n != nil {
		t = n.GetToken()
	}
	if t == nil || t.Position == nil {
		return Position{Source: d.src, Line: 1, Column: 1}
	}
	return Position{d.src, t.Position.Line, t.Position.Column}
}

func (d *decoder) fail(n ast.Node, remedy, format string, args ...any) {
	d.problems = append(d.problems, Problem{d.at(n), fmt.Sprintf(format, args...), remedy})
}

// failed records err, with the hint it may carry.
func (d *decoder) failed(n ast.Node, err error) { d.fail(n, hint.Of(err), "%v", err) }

func (d *decoder) decode(path string, n ast.Node, v reflect.Value, enum string) {
	d.index[path] = d.at(n)
	if tag, ok := n.(*ast.TagNode); ok {
		d.failTag(tag)
		return
	}
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode:
		d.fail(n, "write the value out", "anchors and aliases are not supported in policies")
		return
	}
	if set, ok := d.types.Short[v.Type()]; ok {
		if word, ok := text(n); ok {
			if err := set(v.Addr().Interface(), word); err != nil {
				d.failed(n, err)
			}
			return
		}
	}
	if example, ok := d.types.Quantity[v.Type()]; ok {
		d.decodeQuantity(path, n, v, example)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.decodeStruct(path, n, v)
	case reflect.Slice:
		d.decodeList(path, n, v, enum)
	case reflect.Map:
		d.decodeMap(path, n, v)
	case reflect.Interface:
		if value, ok := d.generic(n); ok {
			v.Set(reflect.ValueOf(&value).Elem())
		}
	default:
		d.decodeScalar(path, n, v, enum)
	}
}

func (d *decoder) failTag(tag *ast.TagNode) {
	name := tag.Start.Value
	if key, ok := strings.CutSuffix(name, ":"); ok {
		d.fail(tag, fmt.Sprintf("quote the key: %q:", key), "%s begins a YAML tag", key)
		return
	}
	d.fail(tag, "quote the text if it is text", "YAML tags such as %s are not supported in "+
		"policies", name)
}

func (d *decoder) decodeStruct(path string, n ast.Node, v reflect.Value) {
	for key, entry := range d.entries(path, n) {
		name, replace := strings.CutPrefix(key, "!")
		field, enum, known := fieldByKey(v, name)
		if !field.IsValid() {
			d.fail(entry.Key, nearest.Hint(name, known), "unknown key %q%s", key, inside(path))
			continue
		}
		sub := Join(path, name)
		if replace && !d.startAfresh(sub, entry, field) {
			continue
		}
		d.decode(sub, entry.Value, field, enum)
	}
}

// startAfresh empties what was inherited at path.
func (d *decoder) startAfresh(path string, entry *ast.MappingValueNode, field reflect.Value) bool {
	if k := field.Kind(); k != reflect.Slice && k != reflect.Map {
		d.fail(entry.Key, `leave out the "!"`,
			`"!" replaces an inherited list or map, but %s is neither`, path)
		return false
	}
	if _, null := entry.Value.(*ast.NullNode); null {
		d.fail(entry.Key, "to empty it, write []", "%s is to be replaced, but by nothing", path)
		return false
	}
	field.SetZero()
	for known := range d.index {
		if strings.HasPrefix(known, path+"[") || strings.HasPrefix(known, path+".") {
			delete(d.index, known)
		}
	}
	return true
}

func (d *decoder) decodeList(path string, n ast.Node, v reflect.Value, enum string) {
	if _, null := n.(*ast.NullNode); null {
		return
	}
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		d.fail(n, "write ["+source1(n)+"]", "%s is a list, not %s", path, kindOf(n))
		return
	}
	inherited := v.Len()
	for _, item := range list.Values {
		element := reflect.New(v.Type().Elem()).Elem()
		d.decode(fmt.Sprintf("%s[%d]", path, v.Len()), item, element, enum)
		if !contains(v.Slice(0, inherited), element) {
			v.Set(reflect.Append(v, element))
		}
	}
}

func contains(list, element reflect.Value) bool {
	for i := range list.Len() {
		if reflect.DeepEqual(list.Index(i).Interface(), element.Interface()) {
			return true
		}
	}
	return false
}

func (d *decoder) decodeMap(path string, n ast.Node, v reflect.Value) {
	fresh := reflect.MakeMap(v.Type()) // the inherited map may be shared
	for _, key := range v.MapKeys() {
		fresh.SetMapIndex(key, v.MapIndex(key))
	}
	for key, entry := range d.entries(path, n) {
		sub := Join(path, key)
		d.index[sub] = d.at(entry.Key)
		element := reflect.New(v.Type().Elem()).Elem()
		switch {
		case element.Kind() == reflect.String: // environment values: 8080 and true are text there
			value, ok := text(entry.Value)
			if !ok {
				d.fail(entry.Value, "quote it", "%s is text, not %s", sub, kindOf(entry.Value))
			}
			element.SetString(value)
		case element.Type() != reflect.TypeFor[map[string]any]():
			if inherited := v.MapIndex(reflect.ValueOf(key)); inherited.IsValid() &&
				element.Kind() != reflect.Slice {
				element.Set(inherited) // merged key by key; a list of a map's is replaced
			}
			d.decode(sub, entry.Value, element, "")
		default:
			value, ok := d.generic(entry.Value)
			schema, isMap := value.(map[string]any)
			if ok && !isMap {
				d.fail(entry.Value, "", "%s is a mapping, not %s", sub, kindOf(entry.Value))
			}
			element.Set(reflect.ValueOf(schema))
		}
		fresh.SetMapIndex(reflect.ValueOf(key), element)
	}
	if fresh.Len() > 0 {
		v.Set(fresh)
	}
}
