package container

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/initproto"
)

// translate shortens libcontainer's error chain to the failing step and adds the remedy.
func translate(err error) error {
	text := strings.NewReplacer(initproto.Root+"/", "/", "error during container init: ", "", "unable to start container process: ", "").Replace(err.Error())
	short := &startError{text, err}
	switch {
	case os.Getenv("MCPBOX") == "1":
		return hint.Wrap(short, "this is inside a sandbox of mcpbox already, and sandboxes don't nest")
	case strings.Contains(text, "unshare") || strings.Contains(text, "clone"), errors.Is(err, unix.EPERM):
		return hint.Wrap(short, "`mcpbox doctor` says what forbids namespaces on this host and how to allow them")
	}
	return short
}

type startError struct {
	text string
	err  error
}

func (e *startError) Error() string { return e.text }
func (e *startError) Unwrap() error { return e.err }
