// Package hint attaches the remedy to an error: the command line prints the
// error on one line ("mcpbox: …") and the remedy on the next ("mcpbox: hint: …").
//
//	return hint.Errorf("use one of: none, basic, standard", "unknown preset %q", name)
//
// errors.Is and errors.As work as with any wrapped error.
package hint

import (
	"errors"
	"fmt"
)

type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// Wrap returns err with a remedy. A nil err stays nil.
func Wrap(err error, remedy string) error {
	if err == nil {
		return nil
	}
	return &hinted{err, remedy}
}

// Errorf makes an error with a remedy; %w works as in fmt.Errorf.
func Errorf(remedy, format string, args ...any) error {
	return &hinted{fmt.Errorf(format, args...), remedy}
}

// Of returns the outermost remedy in err's chain, or "".
func Of(err error) string {
	var h *hinted
	if errors.As(err, &h) {
		return h.hint
	}
	return ""
}
