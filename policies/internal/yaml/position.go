package yaml

import (
	"fmt"
	"strings"

	"github.com/mcpbox/mcpbox/internal/safetext"
)

// Source is the text of one file, kept for excerpts.
type Source struct {
	File string
	Data []byte
}

// Position is a place in a file: lines and columns from 1. Line 0 is the file as a whole.
type Position struct {
	Source       *Source
	Line, Column int
}

// Problem is something wrong in a file.
type Problem struct {
	At            Position
	Message, Hint string
}

// Excerpt is the line with a caret below the column. "" if there is no such line.
func (s *Source) Excerpt(line, column int) string {
	lines := strings.Split(string(s.Data), "\n")
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
	return gutter + safetext.Clean(string(text[from:to]), 0) + "\n" +
		strings.Repeat(" ", len(gutter)+max(column-1-from, 0)) + "^\n"
}
