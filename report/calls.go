package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Calls is what a log of calls (mcpbox mcp --audit) says, for each server and tool.
type Calls struct {
	From     time.Time     `json:"from"`
	To       time.Time     `json:"to"`
	Sessions int           `json:"sessions"` // sandboxes
	Tools    []ToolCalls   `json:"tools"`    // the most called first
	Refusals []RefusedCall `json:"refusals"` // by reason, the most frequent first
	Hosts    []Reached     `json:"hosts,omitempty"`
	Skipped  int           `json:"skipped,omitempty"` // lines that are no record
}

// ToolCalls are the calls of one tool, or of one other method.
type ToolCalls struct {
	Server  string  `json:"server"`
	Method  string  `json:"method"`
	Tool    string  `json:"tool,omitempty"`
	Calls   int     `json:"calls"`
	Refused int     `json:"refused"`
	Failed  int     `json:"failed"` // any outcome but ok
	Events  int64   `json:"events"`
	Median  float64 `json:"median"` // seconds
	Longest float64 `json:"longest"`

	times []float64
}

// RefusedCall is a reason for which calls were refused.
type RefusedCall struct {
	Server string `json:"server"`
	Tool   string `json:"tool,omitempty"`
	Layer  string `json:"layer,omitempty"`
	Reason string `json:"reason"`
	Count  int    `json:"count"`
}

// record is one line of the log: package mcp/audit.
type record struct {
	Time     time.Time `json:"time"`
	Decision string    `json:"decision"`
	Layer    string    `json:"layer"`
	Reason   string    `json:"reason"`
	Server   string    `json:"server"`
	Sandbox  string    `json:"sandbox"`
	Method   string    `json:"method"`
	Tool     string    `json:"tool"`
	Outcome  string    `json:"outcome"`
	Duration float64   `json:"duration"`
	Events   int64     `json:"events"`
	BytesIn  int64     `json:"bytes_in"`
	BytesOut int64     `json:"bytes_out"`
	Host     string    `json:"host"`
	Port     int       `json:"port"`
}

// ReadCalls reads a log of calls. ok is false if its first line is no record of a call.
func ReadCalls(in io.Reader) (c *Calls, ok bool, err error) {
	c = &Calls{}
	sessions := map[string]bool{}
	const longest = 1 << 20
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longest)
	for n := 0; lines.Scan(); {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		n++
		var r record
		if json.Unmarshal(line, &r) != nil || r.Decision == "" || r.Method == "" {
			if n == 1 {
				return nil, false, nil
			}
			c.Skipped++
			continue
		}
		sessions[r.Sandbox] = true
		c.add(r)
	}
	c.Sessions = len(sessions)
	c.sort()
	return c, c.Sessions > 0, lines.Err()
}

func (c *Calls) add(r record) {
	if c.From.IsZero() || r.Time.Before(c.From) {
		c.From = r.Time
	}
	if r.Time.After(c.To) {
		c.To = r.Time
	}
	if r.Method == "network" {
		c.reached(r)
		return
	}
	t := c.tool(r)
	t.Calls++
	t.Events += r.Events
	if r.Decision == "refused" {
		t.Refused++
		c.refused(r)
		return
	}
	if r.Outcome != "" && r.Outcome != "ok" {
		t.Failed++
	}
	t.times = append(t.times, r.Duration)
}

func (c *Calls) tool(r record) *ToolCalls {
	for i := range c.Tools {
		if t := &c.Tools[i]; t.Server == r.Server && t.Method == r.Method && t.Tool == r.Tool {
			return t
		}
	}
	c.Tools = append(c.Tools, ToolCalls{Server: r.Server, Method: r.Method, Tool: r.Tool})
	return &c.Tools[len(c.Tools)-1]
}

func (c *Calls) refused(r record) {
	for i := range c.Refusals {
		f := &c.Refusals[i]
		if f.Server == r.Server && f.Tool == r.Tool && f.Reason == r.Reason {
			f.Count++
			return
		}
	}
	c.Refusals = append(c.Refusals, RefusedCall{r.Server, r.Tool, r.Layer, r.Reason, 1})
}

func (c *Calls) reached(r record) {
	for i := range c.Hosts {
		if h := &c.Hosts[i]; h.Host == r.Host && h.Port == r.Port {
			h.Connections++
			h.Sent, h.Received = h.Sent+r.BytesOut, h.Received+r.BytesIn
			h.Duration += r.Duration
			return
		}
	}
	c.Hosts = append(c.Hosts, Reached{r.Host, r.Port, 1, r.BytesOut, r.BytesIn, r.Duration})
}

func (c *Calls) sort() {
	for i := range c.Tools {
		t := &c.Tools[i]
		slices.Sort(t.times)
		if n := len(t.times); n > 0 {
			t.Median, t.Longest = t.times[n/2], t.times[n-1]
		}
	}
	slices.SortStableFunc(c.Tools, func(a, b ToolCalls) int { return b.Calls - a.Calls })
	slices.SortStableFunc(c.Refusals, func(a, b RefusedCall) int { return b.Count - a.Count })
}

// WriteText writes the calls for a person, in lines of at most width columns; 0: no limit.
func (c *Calls) WriteText(w io.Writer, width int) error {
	var b strings.Builder
	const day = "2006-01-02 15:04:05"
	fmt.Fprintf(&b, "calls from %s to %s, in %d sessions\n\n", c.From.UTC().Format(day),
		c.To.UTC().Format(day), c.Sessions)
	rows := [][]string{{"SERVER", "CALL", "CALLS", "REFUSED", "FAILED", "EVENTS", "MEDIAN",
		"LONGEST"}}
	for _, t := range c.Tools {
		name := t.Tool
		if name == "" {
			name = t.Method
		}
		rows = append(rows, []string{text(t.Server, maxName), text(name, maxName),
			fmt.Sprint(t.Calls), fmt.Sprint(t.Refused), fmt.Sprint(t.Failed), fmt.Sprint(t.Events),
			seconds(t.Median), seconds(t.Longest)})
	}
	b.WriteString(table(rows, 2))
	if len(c.Refusals) > 0 {
		b.WriteString("\nrefused\n")
		for _, r := range c.Refusals {
			fmt.Fprintf(&b, "  %d× %s\n", r.Count, text(strings.TrimSpace(r.Server+" "+r.Tool+": "+
				r.Reason), 2*maxText))
		}
	}
	if len(c.Hosts) > 0 {
		b.WriteString("\nhosts that were reached\n")
		for _, h := range c.Hosts {
			b.WriteString(h.line())
		}
	}
	_, err := io.WriteString(w, fit(b.String(), width))
	return err
}

// table aligns columns: the first ones to the left, the others, numbers, to the right.
func table(rows [][]string, left int) string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-len([]rune(cell)))
			if i < left {
				line += cell + pad + "  "
			} else {
				line += pad + cell + "  "
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// fit cuts lines at width columns; 0: no limit.
func fit(s string, width int) string {
	if width <= 1 {
		return s
	}
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if r := []rune(l); len(r) > width {
			lines[i] = string(r[:width-1]) + "…"
		}
	}
	return strings.Join(lines, "\n")
}
