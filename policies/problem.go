package policies

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/policies/internal/yaml"
)

// ReferenceURL is the page that documents every key. Errors about a policy file name it.
const ReferenceURL = "https://github.com/mcpbox/mcpbox/blob/main/docs/POLICY.md"

// Problem is one error in a policy: what is wrong, where, and what to do about it.
type Problem struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"` // from 1; 0: no position
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Excerpt string `json:"excerpt,omitempty"` // the source line with a caret below
}

// String returns one line: file:line:column: message.
func (p Problem) String() string {
	where := safetext.Clean(p.File, 0)
	if p.Line > 0 {
		where += fmt.Sprintf(":%d:%d", p.Line, p.Column)
	}
	if where == "" {
		return p.Message
	}
	return where + ": " + p.Message
}

// Error holds all problems of a policy. errors.As finds it in the errors of Load, Parse, Resolve
// and Validate.
type Error struct{ Problems []Problem }

// Error returns one line: the first problem, and the number of others.
func (e *Error) Error() string {
	first := e.Problems[0].String()
	if more := len(e.Problems) - 1; more > 0 {
		first += fmt.Sprintf(" (and %d more: see mcpbox policy check)", more)
	}
	return first
}

// Detail returns every problem with its excerpt and hint, for a person.
func (e *Error) Detail() string {
	var b strings.Builder
	for _, p := range e.Problems {
		b.WriteString(p.String() + "\n" + p.Excerpt)
		if p.Hint != "" {
			b.WriteString("  hint: " + p.Hint + "\n")
		}
	}
	if slices.ContainsFunc(e.Problems, Problem.inFile) {
		b.WriteString("every key: " + ReferenceURL + "\n")
	}
	return b.String()
}

// inFile reports whether the problem is about a key or value of a policy file.
func (p Problem) inFile() bool { return p.Line > 0 }

func asError(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	var err error = &Error{problems}
	h := problems[0].Hint
	if problems[0].inFile() {
		h = strings.TrimSpace(h + " (every key: " + ReferenceURL + ")")
	}
	if h != "" {
		err = hint.Wrap(err, h)
	}
	return err
}

// problemAt makes a problem at a position of a file.
func problemAt(at yaml.Position, remedy, format string, args ...any) Problem {
	p := Problem{Line: at.Line, Column: at.Column, Message: fmt.Sprintf(format, args...),
		Hint: remedy}
	if at.Source != nil {
		p.File = at.Source.File
		p.Message = withoutCounts(p.Message)
		p.Excerpt = at.Source.Excerpt(at.Line, at.Column)
	}
	return p
}

func problemsOf(list []yaml.Problem) []Problem {
	out := make([]Problem, len(list))
	for i, p := range list {
		out[i] = problemAt(p.At, p.Hint, "%s", p.Message)
	}
	return out
}

// withoutCounts removes the 113 from syscalls.allow[113]. The number also counts inherited entries,
// so it does not help a reader; the position does.
func withoutCounts(message string) string {
	var b strings.Builder
	for i := 0; i < len(message); i++ {
		if message[i] == '[' && i > 0 && message[i-1] >= 'a' && message[i-1] <= 'z' {
			rest := message[i+1:]
			n := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
			if n > 0 && strings.HasPrefix(rest[n:], "]") {
				i += n + 1
				continue
			}
		}
		b.WriteByte(message[i])
	}
	return b.String()
}
