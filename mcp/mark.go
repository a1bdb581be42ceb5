package mcp

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/policies"
)

// ProvenanceKey is the member of _meta that says where a result comes from.
const ProvenanceKey = "mcpbox/provenance"

// provenance is what ProvenanceKey holds.
type provenance struct {
	Untrusted bool   `json:"untrusted"` // always true: what a tool returns is data, not instructions
	Server    string `json:"server"`
	Tool      string `json:"tool"`
	Call      string `json:"call"`
	Sandbox   string `json:"sandbox"`
	Policy    string `json:"policy"`
}

// marker returns what marks a call's answer; nil: it passes as it is.
func (l *link) marker(c *call) *marker {
	o := &l.s.rules.policy.Output
	how := o.Marking()
	if how == policies.MCPMarkNone && !o.Strip && o.MaxBytes == 0 {
		return nil
	}
	m := &marker{how: how, tag: o.TagName(), strip: o.Strip || how == policies.MCPMarkWrap, budget: -1,
		source: "mcp:" + attribute(l.s.cfg.Server) + "/" + attribute(c.tool())}
	if o.MaxBytes > 0 {
		m.max, m.budget = int(o.MaxBytes), int(o.MaxBytes)
	}
	if how != policies.MCPMarkNone {
		m.meta = encode(provenance{true, l.s.cfg.Server, c.tool(), c.id.String(), l.srv.Sandbox(), l.s.cfg.Policy})
	}
	return m
}

// mark labels a tool's result as the policy says.
func (l *link) mark(c *call, data []byte, e *envelope) [][]byte {
	m, result := l.marker(c), e.v[fResult]
	switch {
	case m == nil:
		return [][]byte{data}
	case result.kind != '{': // it could not be marked
		return [][]byte{l.s.refused(c, &refusal{say: notWellFormed, code: -32603})}
	case !m.strip && m.max == 0:
		return m.label(data, result, e.v[fMeta])
	}
	m.output = l.s.tools.outputSchema(c.name)
	fresh, withheld := m.rebuild(data[result.start:result.end])
	if withheld != "" {
		return [][]byte{l.s.refused(c, &refusal{say: withheld, code: -32603})}
	}
	return [][]byte{data[:result.start], fresh, data[result.end:]}
}

// forged reports an answer that is not marked here, and says so all the same.
func (l *link) forged(data []byte, e *envelope) bool {
	return l.s.rules.policy.Output.Marking() != policies.MCPMarkNone && e.v[fMeta].kind == '{' && slices.ContainsFunc(members(e.of(data, fMeta)), ours)
}

// ours reports a member under the proxy's name.
func ours(o member) bool { return strings.HasPrefix(strings.ToLower(o.key), "mcpbox/") }

// markError rewrites the words of an error as those of a result are. It has no place for a label.
func (l *link) markError(c *call, data []byte, e *envelope) [][]byte {
	m, v := l.marker(c), e.v[fError]
	if m == nil || !m.strip && m.max == 0 {
		return [][]byte{data}
	}
	if v.kind != '{' {
		return [][]byte{l.s.refused(c, &refusal{say: notWellFormed, code: -32603})}
	}
	all := members(data[v.start:v.end])
	for i := range all {
		o := &all[i]
		o.raw = m.clean(o.raw)
		switch {
		case o.key == "message" && o.value[0] == '"':
			o.value = quote(m.text(unquote(o.value)))
		case m.max > 0 && len(o.value) > m.max:
			o.value = []byte("null")
		default:
			o.value = m.clean(o.value)
		}
	}
	return [][]byte{data[:v.start], object(all), data[v.end:]}
}

// marker rewrites one result.
type marker struct {
	how    policies.MCPMark
	tag    string
	source string
	strip  bool
	max    int // bytes of content; 0: no limit
	budget int // what is left of it
	meta   []byte
	output *schema
}

// label adds the provenance and leaves every other byte alone.
func (m *marker) label(data []byte, result, meta value) [][]byte {
	if meta.kind == '{' {
		return [][]byte{data[:meta.start], m.mergeMeta(data[meta.start:meta.end]), data[meta.end:]}
	}
	if meta.kind != 0 { // no object: as good as none
		return [][]byte{data[:meta.start], m.mergeMeta(nil), data[meta.end:]}
	}
	rest := data[result.start+1:]
	comma := ","
	if i := skipTo(data, result.start+1); data[i] == '}' {
		comma = ""
	}
	return [][]byte{data[:result.start+1], join(`"_meta":`, m.mergeMeta(nil), comma), rest}
}

// mergeMeta returns a _meta object with the provenance in it and what else there was. What a server says under the
// proxy's name is dropped, and all of what is no object.
func (m *marker) mergeMeta(was []byte) []byte {
	all := []member{{raw: quote(ProvenanceKey), value: m.meta}}
	if len(was) > 0 && was[0] == '{' {
		for _, o := range members(was) {
			if !ours(o) {
				all = append(all, o)
			}
		}
	}
	return object(all)
}

// rebuild writes the result anew, its members in their order. withheld is what to say instead if that can't be done.
func (m *marker) rebuild(result []byte) (fresh []byte, withheld string) {
	all := members(result)
	if m.meta != nil && find(all, "_meta", 0) < 0 {
		all = append(all, noMeta)
	}
	const frames = 4 << 10 // as a rule what is added is less
	fresh = m.object(make([]byte, 0, len(result)+frames), all, func(out []byte, o *member) []byte {
		switch {
		case o.key == "_meta" && m.meta == nil:
		case o.key == "_meta":
			return append(out, m.mergeMeta(o.value)...)
		case o.key == "content" && o.value[0] == '[':
			return m.content(out, o.value)
		case o.key == "content":
			withheld = "The result was withheld: its content is no list."
		case o.key == "structuredContent":
			clean, problem := m.structured(o.value)
			withheld = cmp.Or(problem, withheld)
			return append(out, clean...)
		default: // what a client makes of it is not known
			if m.max > 0 && len(o.value) > m.max {
				withheld = fmt.Sprintf("The result was withheld: it is larger than %d bytes.", m.max)
			}
			return append(out, m.clean(o.value)...)
		}
		return append(out, o.value...)
	})
	return fresh, withheld
}

// attribute makes a name fit to stand between quotes in a tag.
func attribute(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '"' || r == '\'' || r == '&' || r == '\n' || r == '\t' || r == '\r' || bracket(r) || r == '>' || ignorable(r):
			return '_'
		}
		return r
	}, strip(s))
	if len(s) > 128 {
		s = strings.ToValidUTF8(s[:128], "")
	}
	return s
}
