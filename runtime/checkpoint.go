package runtime

import "github.com/mcpbox/mcpbox/internal/initproto"

// tamper is set by tests only: it takes a layer away on the sly, to show that verification finds it missing.
var tamper = func(*initproto.SpawnBody) {}

// injected is set by tests only: it makes the named step of a start fail, to show that nothing is left of it.
var injected func(step string) error

func checkpoint(step string) error {
	if injected == nil {
		return nil
	}
	return injected(step)
}
