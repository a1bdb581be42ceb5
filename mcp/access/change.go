package access

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Change is a change of one rule. Before is nil for a new rule, After for a removed one.
type Change struct {
	ID     string          `json:"id"`
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
}

// Diff returns the changes that turn before into after, in the order of SortRules. The rules of
// both must be canonical.
func Diff(before, after []Rule) (out []Change) {
	all := map[string]Rule{}
	was, is := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	for _, r := range before {
		all[r.ID()], was[r.ID()] = r, r.JSON()
	}
	for _, r := range after {
		all[r.ID()], is[r.ID()] = r, r.JSON()
	}
	var order []Rule
	for _, r := range all {
		order = append(order, r)
	}
	SortRules(order)
	for _, r := range order {
		if id := r.ID(); !bytes.Equal(was[id], is[id]) {
			out = append(out, Change{ID: id, Before: was[id], After: is[id]})
		}
	}
	return out
}

// EncodeChanges writes changes as JSON. A reader gets each rule back byte for byte.
func EncodeChanges(list []Change) (json.RawMessage, error) { return marshal(list) }

// String returns the change as a diff.
func (c Change) String() string {
	var b strings.Builder
	for _, side := range []struct {
		mark string
		raw  json.RawMessage
	}{{"-", c.Before}, {"+", c.After}} {
		if side.raw == nil || string(side.raw) == "null" {
			continue
		}
		var r Rule
		if err := json.Unmarshal(side.raw, &r); err != nil {
			b.WriteString(side.mark + " " + c.ID + " (unreadable)\n")
			continue
		}
		line := side.mark + " " + c.ID + " " + r.String()
		if r.Note != "" {
			line += "  # " + r.Note
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}
