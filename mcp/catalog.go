package mcp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

// catalog is what the server has said about its tools: the definitions seen last, compiled, and compared with the approved.
type catalog struct {
	s       *session
	pins    *Pins
	refuses bool // a changed tool is taken away, rather than reported
	enforce bool // the tools' own schemas hold

	mu     sync.Mutex
	known  bool // a whole listing has been seen
	tools  map[string]*definition
	first  *Pins // without approved definitions: those of the first listing
	parked []parkedCall
	asking bool
}

// definition is one tool as the server described it last.
type definition struct {
	raw     []byte
	input   *schema
	output  *schema
	changed []string // how it differs from what was approved; nil: it does not
	told    string   // the digest that was last reported
}

func newCatalog(s *session) *catalog {
	c := &catalog{s: s, pins: s.cfg.Pins, enforce: s.cfg.Rules.EnforcesSchemas(), tools: map[string]*definition{}}
	c.refuses = s.cfg.Rules.Pin.Refuses() || c.pins != nil && s.cfg.Rules.Pin.OnChange != policies.MCPPinFlag
	return c
}

// mustKnow reports whether a call has to wait until the tools' definitions are known.
func (c *catalog) mustKnow(call *call) bool {
	if call.method != "tools/call" || !c.enforce && !(c.refuses && c.pins != nil) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.known
}

// judge refuses a tool whose definition is not the approved one.
func (c *catalog) judge(call *call) *refusal {
	if !c.refuses {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.tools[call.name]
	switch {
	case d != nil && d.changed != nil:
		return noTool(call, Verdict{Layer: LayerPin, Reason: "its definition is not the approved one: " + d.changed[0]})
	case d == nil && c.known && c.pins != nil && c.pins.Tools[call.name] == nil:
		return noTool(call, Verdict{Layer: LayerPin, Reason: "it is not among the approved tools"})
	}
	return nil
}

func (c *catalog) inputSchema(tool string) *schema {
	if !c.enforce {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.tools[tool]; d != nil {
		return d.input
	}
	return nil
}

func (c *catalog) outputSchema(tool string) *schema {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.tools[tool]; d != nil {
		return d.output
	}
	return nil
}

// learn takes in one page of a listing and returns the names of tools that are not as approved.
func (c *catalog) learn(l *link, tools [][]byte, last bool) map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pins == nil && c.first == nil {
		c.first = &Pins{Tools: map[string]*Pin{}}
	}
	changed := map[string]bool{}
	for _, raw := range tools {
		var t struct {
			Name         string          `json:"name"`
			InputSchema  json.RawMessage `json:"inputSchema"`
			OutputSchema json.RawMessage `json:"outputSchema"`
		}
		if json.Unmarshal(raw, &t) != nil {
			continue
		}
		d := c.tools[t.Name]
		if d == nil || !bytes.Equal(d.raw, raw) {
			told := ""
			if d != nil {
				told = d.told
			}
			d = &definition{raw: bytes.Clone(raw), told: told}
			d.input, d.output = c.compile(l, t.Name, "input", t.InputSchema), c.compile(l, t.Name, "output", t.OutputSchema)
			c.compare(l, t.Name, d)
			c.tools[t.Name] = d
		}
		if d.changed != nil {
			changed[t.Name] = true
		}
	}
	c.known = c.known || last
	return changed
}

func (c *catalog) compile(l *link, tool, which string, raw json.RawMessage) *schema {
	if raw == nil {
		return nil
	}
	s, err := compileSchema(raw)
	if err != nil && (which == "output" || c.enforce) {
		l.event(monitor.Event{Type: monitor.SuspiciousBehavior, Severity: monitor.Low, Rule: monitor.RuleMCP + "schema", Action: string(monitor.Alert),
			Reason: fmt.Sprintf("the %s schema of tool %s can't be used: %v", which, tool, err)}, nil)
	}
	return s
}

// compare holds a definition against the approved one, or against the first that was seen.
func (c *catalog) compare(l *link, tool string, d *definition) {
	pin, err := NewPin(d.raw)
	if err != nil {
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
	if d.told == pin.Digest {
		return
	}
	d.told = pin.Digest
	action, severity := "flagged", monitor.Medium
	if c.refuses {
		action, severity = "refused", monitor.High
	}
	l.event(monitor.Event{Type: monitor.SuspiciousBehavior, Severity: severity, Rule: monitor.RuleMCP + LayerPin, Action: action,
		Reason: fmt.Sprintf("tool %s is not as it was approved: %s", tool, d.changed[0]),
		Hint:   pinRemedy}, nil)
	c.s.record(l, nil, Record{Decision: action, Layer: LayerPin, Method: "tools/list", Tool: tool, Reason: d.changed[0]})
}
