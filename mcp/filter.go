package mcp

import (
	"bytes"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/monitor"
)

// filter takes out of a listing what does not exist for this client, and remembers the tools.
func (l *link) filter(c *call, data []byte, e *envelope) [][]byte {
	s := l.s
	f, kind, member, check := fTools, KindTool, "name", s.rules.Check
	switch c.method {
	case "resources/list":
		f, kind, member = fResources, KindResource, "uri"
	case "resources/templates/list":
		f, kind, member, check = fTemplates, KindResource, "uriTemplate", s.rules.written
	case "prompts/list":
		f, kind = fPrompts, KindPrompt
	}
	v := e.v[f]
	if v.kind != '[' {
		return [][]byte{data}
	}
	var all [][]byte
	walk(data, v.start, func(_ []byte, from, to int) { all = append(all, data[from:to]) })
	var changed map[string]bool
	if kind == KindTool {
		changed = s.tools.learn(l, all, !e.has(fCursor))
	}
	var kept [][]byte
	for _, raw := range all {
		name, ok := nameOf(raw, member)
		if kind == KindTool {
			if name, ok = toolName(raw); !ok {
				l.twofold(raw)
			}
		}
		switch {
		case !s.rules.constrain:
		case !ok:
			continue
		case kind == KindTool && s.tools.refuses && changed[name]:
			continue
		case !check(s.item(kind, name)).Allowed:
			continue
		}
		kept = append(kept, raw)
	}
	if len(kept) == len(all) {
		return [][]byte{data}
	}
	return [][]byte{data[:v.start], []byte("["), bytes.Join(kept, []byte(",")), []byte("]"), data[v.end:]}
}

// twofold reports a tool whose definition leaves open what it says.
func (l *link) twofold(raw []byte) {
	action := "flagged"
	if l.s.rules.constrain {
		action = "refused"
	}
	l.event(monitor.Event{Type: monitor.SuspiciousBehavior, Severity: monitor.Medium, Rule: monitor.RuleMCP + LayerProtocol, Action: action,
		Reason: "a tool's definition has no name, or a member twice or in two spellings: " + safetext.Clean(string(raw), 80)}, nil)
}

// nameOf reads one member of an object, a string; false if it is none, not there, or there twice.
func nameOf(raw []byte, member string) (name string, ok bool) {
	if len(raw) == 0 || raw[0] != '{' {
		return "", false
	}
	n := 0
	walk(raw, 0, func(key []byte, from, to int) {
		if unquote(key) == member {
			n++
			if ok = raw[from] == '"'; ok {
				name = unquote(raw[from:to])
			}
		}
	})
	return name, ok && n == 1
}
