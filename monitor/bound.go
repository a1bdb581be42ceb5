package monitor

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mcpbox/mcpbox/internal/safetext"
)

// MaxLine is the maximum length of an event's JSON line in bytes, including the newline, whatever
// text the tool chose.
const MaxLine = 16 << 10

const (
	maxName = 64  // comm, syscall name, limit name, action …
	maxText = 256 // an argument, a path, a reason
	maxArgs = 6
	maxRefs = 8 // Call.Ambiguous
)

// Bound makes all text of an event printable and cuts it. It copies what it changes, so the
// caller's slices stay unchanged.
func Bound(e Event) Event {
	e.ID, e.Sandbox, e.Policy = text(e.ID, maxName), text(e.Sandbox, maxName), text(e.Policy,
		maxText)
	e.Type, e.Severity = Type(text(string(e.Type), maxName)), Severity(text(string(e.Severity),
		maxName))
	e.Comm, e.Rule, e.Action = text(e.Comm, maxName), text(e.Rule, maxName), text(e.Action, maxName)
	e.Reason, e.Hint = text(e.Reason, maxText), text(e.Hint, maxText)
	if e.Syscall != nil {
		s := *e.Syscall
		s.Name, s.Arch = text(s.Name, maxName), text(s.Arch, maxName)
		s.Args, s.Paths = texts(s.Args, maxArgs), texts(s.Paths, maxArgs)
		if s.Args == nil {
			s.Args = []string{}
		}
		e.Syscall = &s
	}
	if e.Limit != nil {
		l := *e.Limit
		l.Name, l.Backend = text(l.Name, maxName), text(l.Backend, maxName)
		e.Limit = &l
	}
	if e.Network != nil {
		n := *e.Network
		n.Name, n.Address, n.SNI = text(n.Name, maxText), text(n.Address, maxName), text(n.SNI,
			maxText)
		e.Network = &n
	}
	if e.File != nil {
		f := *e.File
		f.Op, f.Path, f.Kind = text(f.Op, maxName), text(f.Path, maxText), text(f.Kind, maxName)
		e.File = &f
	}
	if e.Call != nil {
		c := *e.Call
		c.Server, c.Request, c.Tool = text(c.Server, maxText), text(c.Request,
			maxText), text(c.Tool, maxText)
		c.Ambiguous = texts(c.Ambiguous, maxRefs)
		e.Call = &c
	}
	return e
}

func texts(in []string, n int) []string {
	if in == nil {
		return nil
	}
	out := make([]string, 0, min(len(in), n))
	for _, s := range in[:min(len(in), n)] {
		out = append(out, text(s, maxText))
	}
	return out
}

// text does not change clean, short text, so nothing is escaped twice.
func text(s string, n int) string {
	if !plain(s) && (!utf8.ValidString(s) || strings.IndexFunc(s,
		func(r rune) bool { return !unicode.IsPrint(r) }) >= 0) {
		s = safetext.Clean(s, n)
	}
	const slack = 16 // Clean may pass n by one escaped rune and the ellipsis
	if len(s) <= n+slack {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// plain reports whether a text is printable ASCII, as nearly all text is.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Printable escapes text that a tool may have chosen, and cuts it to about n bytes.
func Printable(s string, n int) string { return text(s, n) }
