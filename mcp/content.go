package mcp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/mcpbox/mcpbox/policies"
)

// content rewrites the items of a result: texts are stripped, cut and wrapped, those of resources too; images, audio and
// resources are labelled; whatever other words are there are stripped. Like item and quoted it appends to out: a long text
// is copied once.
func (m *marker) content(out, list []byte) []byte {
	out = append(out, '[')
	began := len(out)
	walk(list, 0, func(_ []byte, from, to int) {
		if len(out) > began {
			out = append(out, ',')
		}
		out = m.item(out, list[from:to])
	})
	return append(out, ']')
}

func (m *marker) item(out, item []byte) []byte {
	if item[0] != '{' {
		return append(out, leftOut("an item that is no object", len(item))...)
	}
	all := members(item)
	if twice(all) { // which of the two a client shows is not known
		return append(out, leftOut("an item that says a thing twice", len(item))...)
	}
	kind := ""
	if i := find(all, "type", '"'); i >= 0 {
		kind = unquote(all[i].value)
	}
	label := m.how == policies.MCPMarkWrap && kind != "text"
	if label && find(all, "_meta", 0) < 0 {
		all = append(all, noMeta)
	}
	var text, resource *member
	var inner []member
	if i := find(all, "resource", '{'); i >= 0 {
		resource, inner = &all[i], members(all[i].value)
		if twice(inner) {
			return append(out, leftOut("an item that says a thing twice", len(item))...)
		}
		if i := find(inner, "text", '"'); i >= 0 {
			text = &inner[i]
		}
	}
	if i := find(all, "text", '"'); i >= 0 {
		text = &all[i]
	}
	if !m.affords(kind, item, text) {
		return append(out, leftOut(attribute(kind), len(item))...)
	}
	within := func(out []byte, o *member) []byte {
		if o == text {
			return m.quoted(out, o.value)
		}
		return append(out, m.clean(o.value)...)
	}
	return m.object(out, all, func(out []byte, o *member) []byte {
		switch {
		case o == resource:
			return m.object(out, inner, within)
		case label && o.key == "_meta":
			return append(out, m.mergeMeta(m.clean(o.value))...)
		}
		return within(out, o)
	})
}

// noMeta stands for what is to be added to what has no _meta.
var noMeta = member{key: "_meta", raw: []byte(`"_meta"`), value: []byte("null")}

// find returns where the member is whose value begins like this, whatever its value if that is 0; -1: nowhere.
func find(all []member, key string, begins byte) int {
	return slices.IndexFunc(all, func(o member) bool { return o.key == key && (begins == 0 || o.value[0] == begins) })
}

// object appends an object of these members, in their order. value appends what becomes of one's value.
func (m *marker) object(out []byte, all []member, value func(out []byte, o *member) []byte) []byte {
	out = append(out, '{')
	for i := range all {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, m.clean(all[i].raw)...), ':')
		out = value(out, &all[i])
	}
	return append(out, '}')
}

// affords takes from the budget what the item has beside the text, which is cut by itself.
func (m *marker) affords(kind string, item []byte, text *member) bool {
	if m.max == 0 {
		return true
	}
	size := len(item)
	if text != nil {
		size -= len(text.value)
	}
	if kind == "text" {
		size -= min(size, textFrame)
	}
	if size > m.budget {
		return false
	}
	m.budget -= size
	return true
}

const textFrame = 64 // bytes that a text's item takes without counting

// leftOut stands for an item that is not passed on.
func leftOut(what string, size int) []byte {
	return join(`{"type":"text","text":`, quote(fmt.Sprintf("[%s of %d bytes left out by mcpbox]", what, size)), "}")
}

// quoted is text for a text in its quotes. Most have nothing that would be taken out: those are framed as they are
// written, which is what keeps long results cheap.
func (m *marker) quoted(out, raw []byte) []byte {
	inner := raw[1 : len(raw)-1]
	if !nothingToRemove(inner) || m.max > 0 && (len(inner) > m.budget || bytes.IndexByte(inner, '\\') >= 0) {
		return append(out, quote(m.text(unquote(raw)))...)
	}
	if m.max > 0 {
		m.budget -= len(inner)
	}
	if m.how != policies.MCPMarkWrap {
		return append(out, raw...)
	}
	before, after := m.frame()
	opening, closing := quote(before), quote(after)
	out = append(append(out, opening[:len(opening)-1]...), inner...)
	return append(out, closing[1:]...)
}

// nothingToRemove reports whether strip and neutralise would leave a JSON string's text alone: it is printable ASCII without
// a bracket, written without the escapes that could hide one.
func nothingToRemove(inner []byte) bool {
	if bytes.IndexByte(inner, '<') >= 0 || !printableASCII(inner) {
		return false
	}
	for {
		i := bytes.IndexByte(inner, '\\')
		if i < 0 {
			return true
		}
		if bytes.IndexByte([]byte(`"\/nrt`), inner[i+1]) < 0 {
			return false
		}
		inner = inner[i+2:]
	}
}

// frame is what stands before and behind a text that is wrapped.
func (m *marker) frame() (before, after string) {
	return "<" + m.tag + ` source="` + m.source + "\">\n", "\n</" + m.tag + ">"
}

// text is a text as the client gets it.
func (m *marker) text(s string) string {
	if m.strip {
		s = strip(s)
	}
	whole, cut := len(s), false
	if m.max > 0 {
		if cut = len(s) > m.budget; cut {
			s = cutAt(s, m.budget)
		}
		m.budget -= len(s)
	}
	notice := ""
	if cut {
		notice = fmt.Sprintf("\n[cut by mcpbox: %d of %d bytes shown]", len(s), whole)
	}
	if m.how != policies.MCPMarkWrap {
		return s + notice
	}
	before, after := m.frame()
	return before + neutralise(s, m.tag) + after + notice
}

// clean strips the strings of a JSON value, the names of members among them, and takes the tags from them.
func (m *marker) clean(value []byte) []byte {
	if !m.strip {
		return value
	}
	var out []byte
	done := 0
	for i := bytes.IndexByte(value, '"'); i >= 0 && i < len(value); {
		end := skipString(value, i)
		plain := unquote(value[i:end])
		if clean, changed := m.cleanValue(plain); changed {
			out = append(append(out, value[done:i]...), quote(clean.(string))...)
			done = end
		}
		next := bytes.IndexByte(value[end:], '"')
		if next < 0 {
			break
		}
		i = end + next
	}
	if done == 0 {
		return value
	}
	return append(out, value[done:]...)
}

// cutAt shortens s to n bytes at most, whole characters only.
func cutAt(s string, n int) string {
	if n >= len(s) {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// structured cleans the strings of structured content. It must still satisfy the tool's output schema: if it can't be
// both clean and valid, or is too large (there is no way to cut it), problem says so and the result is withheld.
func (m *marker) structured(raw []byte) (clean []byte, problem string) {
	if m.max > 0 && len(raw) > m.max {
		return nil, fmt.Sprintf("The result was withheld: it is larger than %d bytes.", m.max)
	}
	if !m.strip {
		return raw, ""
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil, "The result was withheld: it can't be read."
	}
	v, changed := m.cleanValue(v)
	if !changed && bytes.IndexAny(raw, `<\`) < 0 && printableASCII(raw) {
		return raw, ""
	}
	clean = encode(v) // a member that is there twice is there once now
	if !changed {
		return clean, ""
	}
	var plainNumbers any
	if json.Unmarshal(clean, &plainNumbers) != nil || m.output.validate(plainNumbers) != nil {
		return nil, "The result was withheld: without its control characters and tags it does not satisfy the tool's output schema."
	}
	return clean, ""
}

func (m *marker) cleanValue(v any) (any, bool) {
	switch v := v.(type) {
	case string:
		s := strip(v)
		if m.how == policies.MCPMarkWrap {
			s = neutralise(s, m.tag)
		}
		return s, s != v
	case []any:
		changed := false
		for i := range v {
			item, c := m.cleanValue(v[i])
			v[i], changed = item, changed || c
		}
		return v, changed
	case map[string]any:
		changed := false
		out := make(map[string]any, len(v))
		for k, item := range v {
			key, c := m.cleanValue(k)
			item, d := m.cleanValue(item)
			out[key.(string)], changed = item, changed || c || d
		}
		return out, changed
	}
	return v, false
}
