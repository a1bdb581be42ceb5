package mcp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/mcpbox/mcpbox/policies"
)

// content rewrites the items of a result: texts are stripped, cut and wrapped; images, audio and resources are labelled.
func (m *marker) content(list []byte) []byte {
	var items [][]byte
	walk(list, 0, func(_ []byte, from, to int) {
		item := list[from:to]
		if item[0] == '{' {
			item = m.item(item)
		}
		items = append(items, item)
	})
	return enclose('[', items, ']')
}

func (m *marker) item(item []byte) []byte {
	all := members(item)
	if twice(all) { // which of the two a client shows is not known
		return leftOut("an item that says a thing twice", len(item))
	}
	var kind string
	var text, meta *member
	for i := range all {
		switch v := all[i].value; {
		case all[i].key == "type" && v[0] == '"':
			kind = unquote(v)
		case all[i].key == "text" && v[0] == '"':
			text = &all[i]
		case all[i].key == "_meta":
			meta = &all[i]
		}
	}
	if kind == "text" && text != nil {
		text.value = quote(m.text(unquote(text.value)))
		return object(all)
	}
	if m.max > 0 {
		if len(item) > m.budget {
			return leftOut(attribute(kind), len(item))
		}
		m.budget -= len(item)
	}
	if m.how != policies.MCPMarkWrap {
		return item
	}
	switch {
	case meta == nil:
		all = append(all, member{key: "_meta", raw: []byte(`"_meta"`), value: m.mergeMeta(nil)})
	case meta.value[0] == '{':
		meta.value = m.mergeMeta(meta.value)
	default:
		meta.value = m.mergeMeta(nil)
	}
	return object(all)
}

// leftOut stands for an item that is not passed on.
func leftOut(what string, size int) []byte {
	return join(`{"type":"text","text":`, quote(fmt.Sprintf("[%s of %d bytes left out by mcpbox]", what, size)), "}")
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
	return "<" + m.tag + ` source="` + m.source + "\">\n" + neutralise(s, m.tag) + "\n</" + m.tag + ">" + notice
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
	if !changed && bytes.IndexAny(raw, `<\`) < 0 && printableASCII(string(raw)) {
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
