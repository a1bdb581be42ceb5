package proxy

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/audit"
	"github.com/mcpbox/mcpbox/mcp/internal/schema"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	"github.com/mcpbox/mcpbox/mcp/pin"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

const pinHint = "review the change with `mcpbox mcp diff`, then approve it with `mcpbox mcp pin`"

// toolCatalog holds the latest definitions of the server's tools, and how they differ from the
// approved ones.
type toolCatalog struct {
	s       *session
	pins    *pin.File
	refuses bool // changed tools are refused, not only reported
	enforce bool // the tools' own schemas are enforced

	mu    sync.Mutex
	known bool // a complete list has been seen
	tools map[string]*definition
	first *pin.File // without approved definitions: those of the first list
	size  int       // bytes of all definitions
	full  bool      // some definitions did not fit
}

// maxDefinitions bounds the kept definitions, in bytes. A server's list may be endless.
const maxDefinitions = 16 << 20

// definition is the latest definition of a tool.
type definition struct {
	raw      []byte
	schemas  map[string]*schema.Schema // schemas that were needed so far
	changed  []string                  // the differences from the approved one; nil: none
	reported string                    // the digest that was last reported
}

func newToolCatalog(s *session) *toolCatalog {
	c := &toolCatalog{s: s, pins: s.cfg.Pins, enforce: s.cfg.Rules.EnforcesSchemas(),
		tools: map[string]*definition{}}
	c.refuses = s.cfg.Rules.Pin.Refuses() || c.pins != nil &&
		s.cfg.Rules.Pin.OnChange != policies.MCPPinFlag
	return c
}

// needsListing reports whether a call must wait for the list of tools.
func (c *toolCatalog) needsListing(call *call) bool {
	if call.method != "tools/call" || !c.enforce && !(c.refuses && c.pins != nil) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.known
}

// judge refuses a tool whose definition is not the approved one.
func (c *toolCatalog) judge(call *call) *refusal {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.tools[call.name]
	switch {
	case d == nil && c.full && (c.refuses || c.enforce):
		return toolUnavailable(call, access.Verdict{Layer: access.LayerLimit,
			Reason: "the server lists more tools than mcpbox keeps"})
	case !c.refuses:
		return nil
	case d != nil && d.changed != nil:
		return toolUnavailable(call, access.Verdict{Layer: access.LayerPin, Hint: pinHint,
			Reason: "its definition has changed since it was approved: " + d.changed[0]})
	case d == nil && c.known && c.pins != nil && c.pins.Tools[call.name] == nil:
		return toolUnavailable(call, access.Verdict{Layer: access.LayerPin, Hint: pinHint,
			Reason: "it is not among the approved tools"})
	}
	return nil
}

func (c *toolCatalog) inputSchema(tool string) *schema.Schema {
	if !c.enforce {
		return nil
	}
	return c.schema(tool, "inputSchema")
}

func (c *toolCatalog) outputSchema(tool string) *schema.Schema {
	return c.schema(tool,
		"outputSchema")
}

// update stores one page of a list. It returns the names of tools that differ from the approved
// ones (changed), and of tools that were not kept because there are too many (left).
func (c *toolCatalog) update(conn *serverConn, tools [][]byte, last bool) (changed,
	left map[string]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pins == nil && c.first == nil {
		c.first = &pin.File{Tools: map[string]*pin.Tool{}}
	}
	changed, left = map[string]bool{}, map[string]bool{}
	for _, raw := range tools {
		name, ok := toolName(raw)
		if !ok {
			continue
		}
		d := c.tools[name]
		if d == nil || !bytes.Equal(d.raw, raw) {
			told, was := "", 0
			if d != nil {
				told, was = d.reported, len(d.raw)
			}
			if c.size-was+len(raw) > maxDefinitions {
				left[name] = true
				c.reportFull(conn)
				continue
			}
			c.size += len(raw) - was
			d = &definition{raw: bytes.Clone(raw), reported: told}
			c.compare(conn, name, d)
			c.tools[name] = d
		}
		if d.changed != nil {
			changed[name] = true
		}
	}
	if last && !c.known {
		c.reportUnmatched()
	}
	c.known = c.known || last
	return changed, left
}

// reportUnmatched warns of entries of the policy's list that match no tool: a typo would otherwise
// only hide a tool. It is called with the lock held.
func (c *toolCatalog) reportUnmatched() {
	for _, pattern := range c.s.cfg.Rules.Tools.Allow {
		found := false
		for name := range c.tools {
			found = found || access.Match(pattern, name)
		}
		if found || c.s.cfg.Warn == nil {
			continue
		}
		names := slices.Sorted(maps.Keys(c.tools))
		const most = 20
		c.s.cfg.Warn("mcp.tools.allow: %q matches none of the server's tools: %s", pattern,
			strings.Join(names[:min(len(names), most)], ", "))
	}
}

// reportFull reports once that definitions were left out. It is called with the lock held.
func (c *toolCatalog) reportFull(conn *serverConn) {
	if c.full {
		return
	}
	c.full = true
	conn.event(monitor.Event{Type: monitor.SuspiciousBehavior, Severity: monitor.Medium,
		Rule: monitor.RuleMCP + string(access.LayerLimit), Action: string(monitor.Alert),
		Reason: fmt.Sprintf("the definitions of its tools exceed %d MiB: the others are not kept",
			maxDefinitions>>20)}, nil)
}

// toolName returns the name of a tool. ok is false if its definition is ambiguous: a client may use
// the other of two duplicate members, or one in another case.
func toolName(raw []byte) (string, bool) {
	name, ok := wire.StringMember(raw, "name")
	return name, ok && !wire.HasDuplicate(wire.Members(raw)) && !wire.HasNestedDuplicate(raw, false)
}

// schema compiles a tool's schema when it is first needed, because a server may list many large
// ones.
func (c *toolCatalog) schema(tool, which string) *schema.Schema {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.tools[tool]
	if d == nil {
		return nil
	}
	if s, ok := d.schemas[which]; ok {
		return s
	}
	var compiled *schema.Schema
	for _, m := range wire.Members(d.raw) {
		if m.Key != which {
			continue
		}
		var err error
		if compiled, err = schema.CompileUntrusted(m.Value); err != nil {
			conn := c.s.latest()
			conn.event(monitor.Event{Type: monitor.SuspiciousBehavior, Severity: monitor.Low,
				Rule: monitor.RuleMCP + "schema", Action: string(monitor.Alert),
				Reason: fmt.Sprintf("the %s of tool %s is not enforced: it can't be used: %v",
					which, tool, err)}, nil)
		}
	}
	if d.schemas == nil {
		d.schemas = map[string]*schema.Schema{}
	}
	d.schemas[which] = compiled
	return compiled
}

// compare compares a definition with the approved one. Without an approved one it takes the first
// one seen.
func (c *toolCatalog) compare(conn *serverConn, tool string, d *definition) {
	pin, err := pin.NewTool(d.raw)
	if err != nil {
		d.changed = []string{"it can't be read: " + err.Error()}
		return
	}
	base := c.pins
	if base == nil {
		base = c.first
		if base.Tools[tool] == nil {
			base.Tools[tool] = pin
			return
		}
	}
	approved := base.Tools[tool]
	switch {
	case approved == nil:
		d.changed = []string{"it is not among the approved tools"}
	case approved.Digest == pin.Digest:
		return
	default:
		d.changed = approved.Diff(pin)
	}
	if d.reported == pin.Digest {
		return
	}
	d.reported = pin.Digest
	action, severity := "flagged", monitor.Medium
	if c.refuses {
		action, severity = "refused", monitor.High
	}
	conn.event(monitor.Event{Type: monitor.SuspiciousBehavior, Severity: severity,
		Rule: monitor.RuleMCP + string(access.LayerPin), Action: action,
		Reason: fmt.Sprintf("the definition of tool %s has changed: %s", tool, d.changed[0]),
		Hint:   pinHint}, nil)
	c.s.record(conn, nil, audit.Record{Decision: action, Layer: string(access.LayerPin),
		Method: "tools/list", Tool: tool, Reason: d.changed[0]})
}
