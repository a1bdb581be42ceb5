package doctor

import (
	"errors"

	"github.com/mcpbox/mcpbox/internal/idmap"
)

func subordinateIDs() Item {
	const name = "subordinate ids"
	const loses = "an id of its own for the sandbox's PID 1: a single-id map is used, " +
		"in which all of the sandbox is the caller"
	if isRoot() {
		return ok(name, "not needed: root maps a range itself")
	}
	err := idmap.CheckSubordinate()
	if err == nil {
		return ok(name, "newuidmap, newgidmap and ranges in /etc/subuid and /etc/subgid")
	}
	fix := ""
	if missing := (*idmap.MissingError)(nil); errors.As(err, &missing) {
		fix = "sudo apt install uidmap"
		if missing.Tool == "" {
			fix = "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 " +
				missing.Login
		}
	}
	return Item{name, Warn, err.Error(), loses, fix}
}
