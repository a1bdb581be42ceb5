package main

import (
	"bytes"
	"io"
	"os"
	"regexp"

	"golang.org/x/term"
)

// columns is the width of a terminal; 0: it is none.
func columns(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width == 0 {
		return 80 // nobody has told it a size
	}
	return width
}

// coloured shows severities in colour, if w is a terminal and NO_COLOR is not set (no-color.org).
func coloured(w io.Writer) io.Writer {
	if columns(w) == 0 || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return w
	}
	return &painter{w}
}

// painter colours the first word of each line that is a severity.
type painter struct{ w io.Writer }

func (p *painter) Write(data []byte) (int, error) {
	colours := map[string]string{"critical": "1;31", "high": "31", "medium": "33", "low": "32"}
	out := regexp.MustCompile(`(?m)(^risk: |^  |  )(critical|high|medium|low)( |$)`).
		ReplaceAllFunc(data, func(m []byte) []byte {
			word := bytes.TrimSpace(bytes.TrimPrefix(m, []byte("risk: ")))
			return bytes.Replace(m, word, []byte("\x1b["+colours[string(word)]+"m"+string(word)+
				"\x1b[0m"), 1)
		})
	if _, err := p.w.Write(out); err != nil {
		return 0, err
	}
	return len(data), nil
}

// fitted cuts a line at the width of the terminal; 0: it stays.
func fitted(line string, width int) string {
	if r := []rune(line); width > 1 && len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return line
}
