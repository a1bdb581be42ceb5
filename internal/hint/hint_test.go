package hint

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

func TestARemedySurvivesWrapping(t *testing.T) {
	err := fmt.Errorf("start: %w", Errorf("create it", "open %s: %w", "/x", fs.ErrNotExist))
	if got := Of(err); got != "create it" {
		t.Errorf("Of = %q", got)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v hides its cause", err)
	}
	if got, want := err.Error(), "start: open /x: file does not exist"; got != want {
		t.Errorf("message %q, want %q: the remedy goes on a line of its own", got, want)
	}
}

func TestTheOutermostRemedyCounts(t *testing.T) {
	if got := Of(Wrap(Errorf("inner", "x"), "outer")); got != "outer" {
		t.Errorf("Of = %q, want outer", got)
	}
}

func TestNoErrorStaysNone(t *testing.T) {
	if err := Wrap(nil, "anything"); err != nil {
		t.Errorf("Wrap(nil) = %v", err)
	}
	if got := Of(nil) + Of(fs.ErrExist); got != "" {
		t.Errorf("a remedy from nowhere: %q", got)
	}
}
