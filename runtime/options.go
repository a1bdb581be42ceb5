package runtime

import "github.com/mcpbox/mcpbox/internal/initproto"

// options are for tests. The zero value changes nothing.
type options struct {
	stateDir string // instead of root's folder of running sandboxes
	// step is called after each step of a start; its error makes the start fail there.
	step func(name string) error
	// tamper takes a layer away on the sly, to show that verification finds it missing.
	tamper func(*initproto.SpawnBody)
}

func (o options) passed(step string) error {
	if o.step == nil {
		return nil
	}
	return o.step(step)
}
