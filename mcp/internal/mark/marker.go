package mark

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/mcp/internal/sanitize"
	"github.com/mcpbox/mcpbox/mcp/internal/schema"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	"github.com/mcpbox/mcpbox/policies"
)

// ProvenanceKey is the member of _meta that says where a result comes from.
const ProvenanceKey = "mcpbox/provenance"

// Provenance is what ProvenanceKey holds.
type Provenance struct {
	// always true: what a tool returns is data, not instructions
	Untrusted bool   `json:"untrusted"`
	Server    string `json:"server"`
	Tool      string `json:"tool"`
	Call      string `json:"call"`
	Sandbox   string `json:"sandbox"`
	Policy    string `json:"policy"`
}

// New returns the marker for results of this origin. It returns nil if the policy wants them
// unchanged.
func New(o *policies.MCPOutput, from Provenance) *Marker {
	how := o.Marking()
	if how == policies.MCPMarkNone && !o.Strip && o.MaxBytes == 0 {
		return nil
	}
	m := &Marker{how: how, tag: o.TagName(), strip: o.Strip || how == policies.MCPMarkWrap,
		budget: -1,
		source: "mcp:" + sanitize.Attribute(from.Server) + "/" + sanitize.Attribute(from.Tool)}
	if o.MaxBytes > 0 {
		m.max, m.budget = int(o.MaxBytes), int(o.MaxBytes)
	}
	if how != policies.MCPMarkNone {
		m.meta = wire.Encode(from)
	}
	return m
}

// Strips reports whether texts are stripped.
func (m *Marker) Strips() bool { return m.strip }

// LabelsOnly reports whether a result gets its provenance and no other change.
func (m *Marker) LabelsOnly() bool { return !m.strip && m.max == 0 }

// Forged reports whether a server's _meta has a member that only the proxy may write.
func Forged(meta []byte) bool {
	return len(meta) > 0 && meta[0] == '{' && slices.ContainsFunc(wire.Members(meta), isReserved)
}

// RebuildError rewrites the texts of an error.
func (m *Marker) RebuildError(raw []byte) []byte {
	all := wire.Members(raw)
	for i := range all {
		o := &all[i]
		o.RawKey = m.Clean(o.RawKey)
		switch {
		case o.Key == "message" && o.Value[0] == '"':
			o.Value = wire.Quote(m.text(wire.Unquote(o.Value)))
		case m.max > 0 && len(o.Value) > m.max:
			o.Value = []byte("null")
		default:
			o.Value = m.Clean(o.Value)
		}
	}
	return wire.EncodeObject(all)
}

// isReserved reports whether only the proxy may write this member.
func isReserved(o wire.Member) bool { return strings.HasPrefix(strings.ToLower(o.Key), "mcpbox/") }

// Marker rewrites one result.
type Marker struct {
	how    policies.MCPMark
	tag    string
	source string
	strip  bool
	max    int // bytes of content; 0: no limit
	budget int // bytes left
	meta   []byte
	output *schema.Schema
}

// Label adds the provenance and changes no other byte.
func (m *Marker) Label(data []byte, result, meta *wire.Value) [][]byte {
	if meta.Kind == '{' {
		return [][]byte{data[:meta.Start], m.mergeMeta(data[meta.Start:meta.End]), data[meta.End:]}
	}
	if meta.Kind != 0 { // not an object: replaced
		return [][]byte{data[:meta.Start], m.mergeMeta(nil), data[meta.End:]}
	}
	rest := data[result.Start+1:]
	comma := ","
	if i := wire.SkipSpace(data, result.Start+1); data[i] == '}' {
		comma = ""
	}
	return [][]byte{data[:result.Start+1], wire.Join(`"_meta":`, m.mergeMeta(nil), comma), rest}
}

// mergeMeta returns a _meta object with the provenance and the members of was. It drops members
// that only the proxy may write. It drops all of was if that is not an object.
func (m *Marker) mergeMeta(was []byte) []byte {
	all := []wire.Member{{RawKey: wire.Quote(ProvenanceKey), Value: m.meta}}
	if len(was) > 0 && was[0] == '{' {
		for _, o := range wire.Members(was) {
			if !isReserved(o) {
				all = append(all, o)
			}
		}
	}
	return wire.EncodeObject(all)
}

// Rebuild rewrites the result and keeps the order of its members. If it can't, withheld is the text
// to send instead. output is the tool's output schema; nil: none.
func (m *Marker) Rebuild(result []byte, output *schema.Schema) (fresh []byte, withheld string) {
	m.output = output
	all := wire.Members(result)
	if m.meta != nil && find(all, "_meta", 0) < 0 {
		all = append(all, emptyMeta)
	}
	const frames = 4 << 10 // usually enough for what is added
	fresh = m.object(make([]byte, 0, len(result)+frames), all,
		func(out []byte, o *wire.Member) []byte {
			switch {
			case o.Key == "_meta" && m.meta == nil:
			case o.Key == "_meta":
				return append(out, m.mergeMeta(o.Value)...)
			case o.Key == "content" && o.Value[0] == '[':
				return m.content(out, o.Value)
			case o.Key == "content":
				withheld = "The result was withheld: its content is not a list."
			case o.Key == "structuredContent":
				clean, problem := m.structured(o.Value)
				withheld = cmp.Or(problem, withheld)
				return append(out, clean...)
			default: // a client may show it
				if m.max > 0 && len(o.Value) > m.max {
					withheld = fmt.Sprintf("The result was withheld: it is larger than %d bytes.",
						m.max)
				}
				return append(out, m.Clean(o.Value)...)
			}
			return append(out, o.Value...)
		})
	return fresh, withheld
}
