package mark

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/mcpbox/mcpbox/mcp/internal/sanitize"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	"github.com/mcpbox/mcpbox/policies"
)

// content rewrites the items of a result. It strips, cuts and wraps texts, including those of
// resources. It labels images, audio and resources, and strips all other strings. Like item and
// quoted it appends to out, so that a long text is copied once.
func (m *Marker) content(out, list []byte) []byte {
	out = append(out, '[')
	began := len(out)
	wire.Walk(list, 0, func(_ []byte, from, to int) {
		if len(out) > began {
			out = append(out, ',')
		}
		out = m.item(out, list[from:to])
	})
	return append(out, ']')
}

func (m *Marker) item(out, item []byte) []byte {
	if item[0] != '{' {
		return append(out, omitted("an item that is not an object", len(item))...)
	}
	all := wire.Members(item)
	if wire.HasDuplicate(all) { // a client may show either
		return append(out, omitted("an item with a duplicate member", len(item))...)
	}
	kind := ""
	if i := find(all, "type", '"'); i >= 0 {
		kind = wire.Unquote(all[i].Value)
	}
	label := m.how == policies.MCPMarkWrap && kind != "text"
	if label && find(all, "_meta", 0) < 0 {
		all = append(all, emptyMeta)
	}
	var text, resource *wire.Member
	var inner []wire.Member
	if i := find(all, "resource", '{'); i >= 0 {
		resource, inner = &all[i], wire.Members(all[i].Value)
		if wire.HasDuplicate(inner) {
			return append(out, omitted("an item with a duplicate member", len(item))...)
		}
		if i := find(inner, "text", '"'); i >= 0 {
			text = &inner[i]
		}
	}
	if i := find(all, "text", '"'); i >= 0 {
		text = &all[i]
	}
	if !m.fitsBudget(kind, item, text) {
		return append(out, omitted(sanitize.Attribute(kind), len(item))...)
	}
	within := func(out []byte, o *wire.Member) []byte {
		if o == text {
			return m.quoted(out, o.Value)
		}
		return append(out, m.Clean(o.Value)...)
	}
	return m.object(out, all, func(out []byte, o *wire.Member) []byte {
		switch {
		case o == resource:
			return m.object(out, inner, within)
		case label && o.Key == "_meta":
			return append(out, m.mergeMeta(m.Clean(o.Value))...)
		}
		return within(out, o)
	})
}

// emptyMeta is added to objects without a _meta.
var emptyMeta = wire.Member{Key: "_meta", RawKey: []byte(`"_meta"`), Value: []byte("null")}

// find returns the index of the member with this key whose value begins with this byte; 0 accepts
// any value. It returns -1 if there is none.
func find(all []wire.Member, key string, begins byte) int {
	return slices.IndexFunc(all, func(o wire.Member) bool {
		return o.Key == key &&
			(begins == 0 || o.Value[0] == begins)
	})
}

// object appends an object with these members, in their order. value appends the new value of a
// member.
func (m *Marker) object(out []byte, all []wire.Member,
	value func(out []byte, o *wire.Member) []byte) []byte {
	out = append(out, '{')
	for i := range all {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, m.Clean(all[i].RawKey)...), ':')
		out = value(out, &all[i])
	}
	return append(out, '}')
}

// fitsBudget subtracts the size of the item, without its text, from the budget. The text is cut
// separately.
func (m *Marker) fitsBudget(kind string, item []byte, text *wire.Member) bool {
	if m.max == 0 {
		return true
	}
	size := len(item)
	if text != nil {
		size -= len(text.Value)
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

const textFrame = 64 // bytes around a text that do not count

// omitted returns the text that replaces an item that is left out.
func omitted(what string, size int) []byte {
	return wire.Join(`{"type":"text","text":`,
		wire.Quote(fmt.Sprintf("[%s of %d bytes left out by mcpbox]", what, size)), "}")
}

// quoted appends what text returns, as a JSON string. Most strings contain nothing to remove. They
// are framed without decoding, which keeps long results cheap.
func (m *Marker) quoted(out, raw []byte) []byte {
	inner := raw[1 : len(raw)-1]
	if !nothingToRemove(inner) || m.max > 0 &&
		(len(inner) > m.budget || bytes.IndexByte(inner, '\\') >= 0) {
		return append(out, wire.Quote(m.text(wire.Unquote(raw)))...)
	}
	if m.max > 0 {
		m.budget -= len(inner)
	}
	if m.how != policies.MCPMarkWrap {
		return append(out, raw...)
	}
	before, after := m.frame()
	opening, closing := wire.Quote(before), wire.Quote(after)
	out = append(append(out, opening[:len(opening)-1]...), inner...)
	return append(out, closing[1:]...)
}

// nothingToRemove reports whether Strip and DefuseTag would leave the text of a JSON string
// unchanged. This holds for printable ASCII without a bracket and without escapes that could hide
// one.
func nothingToRemove(inner []byte) bool {
	if bytes.IndexByte(inner, '<') >= 0 || !sanitize.PrintableASCII(inner) {
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

// frame returns the text before and after a wrapped text.
func (m *Marker) frame() (before, after string) {
	return "<" + m.tag + ` source="` + m.source + "\">\n", "\n</" + m.tag + ">"
}

// text returns a text as the client gets it: stripped, cut and wrapped.
func (m *Marker) text(s string) string {
	if m.strip {
		s = sanitize.Strip(s)
	}
	whole, cut := len(s), false
	if m.max > 0 {
		if cut = len(s) > m.budget; cut {
			s = sanitize.Truncate(s, m.budget)
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
	return before + sanitize.DefuseTag(s, m.tag) + after + notice
}

// Clean strips all strings of a JSON value, including the names of members, and defuses tags in
// them.
func (m *Marker) Clean(value []byte) []byte {
	if !m.strip {
		return value
	}
	var out []byte
	done := 0
	wire.Strings(value, func(from, to int) {
		plain := wire.Unquote(value[from:to])
		if clean, changed := m.cleanValue(plain); changed {
			out = append(append(out, value[done:from]...), wire.Quote(clean.(string))...)
			done = to
		}
	})
	if done == 0 {
		return value
	}
	return append(out, value[done:]...)
}

// structured cleans the strings of structured content. The result must still satisfy the tool's
// output schema. If clean content is not valid, or if the content is too large (it can't be cut),
// problem says so and the caller withholds the result.
func (m *Marker) structured(raw []byte) (clean []byte, problem string) {
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
	if !changed && !bytes.ContainsAny(raw, `<\`) && sanitize.PrintableASCII(raw) {
		return raw, ""
	}
	clean = wire.Encode(v) // this also removes duplicate members
	if !changed {
		return clean, ""
	}
	var plainNumbers any
	if json.Unmarshal(clean, &plainNumbers) != nil || m.output.Validate(plainNumbers) != nil {
		return nil, "The result was withheld: without its control characters and tags it does " +
			"not satisfy the tool's output schema."
	}
	return clean, ""
}

func (m *Marker) cleanValue(v any) (any, bool) {
	switch v := v.(type) {
	case string:
		s := sanitize.Strip(v)
		if m.how == policies.MCPMarkWrap {
			s = sanitize.DefuseTag(s, m.tag)
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
