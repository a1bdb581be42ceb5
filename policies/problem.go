package policies

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/safetext"
)

// Problem is one thing wrong with a policy, where it stands, and what to do about it.
type Problem struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"` // from 1; 0: no position
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Excerpt string `json:"excerpt,omitempty"` // the source line with a caret below
}

// String is one line: file:line:column: message.
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

// Error holds all that is wrong with a policy; errors.As finds it in what Load, Parse, Resolve and Validate return.
type Error struct{ Problems []Problem }

// Error is one line: the first problem, and how many more there are.
func (e *Error) Error() string {
	first := e.Problems[0].String()
	if more := len(e.Problems) - 1; more > 0 {
		first += fmt.Sprintf(" (and %d more: see mcpbox policy check)", more)
	}
	return first
}

// Detail is every problem with its excerpt and hint, for a person.
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

// source is one document, kept for excerpts.
type source struct {
	file string
	data []byte
}

// position is where a field was last set.
type position struct {
	src          *source
	line, column int
}

func (at position) problem(remedy, format string, args ...any) Problem {
	p := Problem{Line: at.line, Column: at.column, Message: fmt.Sprintf(format, args...), Hint: remedy}
	if at.src != nil {
		p.File = at.src.file
		p.Message = withoutCounts(p.Message)
		p.Excerpt = at.src.excerpt(at.line, at.column)
	}
	return p
}

// withoutCounts takes the 113 out of syscalls.allow[113]: entries are counted from the first inherited one, and the position
// says it better.
func withoutCounts(message string) string {
	var b strings.Builder
	for i := 0; i < len(message); i++ {
		if message[i] == '[' && i > 0 && message[i-1] >= 'a' && message[i-1] <= 'z' {
			if n := len(message[i+1:]) - len(strings.TrimLeft(message[i+1:], "0123456789")); n > 0 && strings.HasPrefix(message[i+1+n:], "]") {
				i += n + 1
				continue
			}
		}
		b.WriteByte(message[i])
	}
	return b.String()
}

func (s *source) excerpt(line, column int) string {
	lines := strings.Split(string(s.data), "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	text := []rune(strings.TrimRight(strings.ReplaceAll(lines[line-1], "\t", " "), "\r"))
	from := 0
	if column > 60 { // long lines (JSON): show the neighbourhood
		from = min(column-40, len(text))
	}
	to := min(len(text), from+100)
	gutter := fmt.Sprintf("%5d | ", line)
	return gutter + safetext.Clean(string(text[from:to]), 0) + "\n" + strings.Repeat(" ", len(gutter)+max(column-1-from, 0)) + "^\n"
}
