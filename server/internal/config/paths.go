package config

import (
	"os"
	"path/filepath"
	"strconv"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// DefaultSocket is where the daemon listens: /run/mcpbox/mcpbox.sock for root, else the user's own
// XDG_RUNTIME_DIR, or a private folder of the state.
func DefaultSocket() (string, error) {
	if os.Geteuid() == 0 {
		return "/run/mcpbox/mcpbox.sock", nil
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "mcpbox", "mcpbox.sock"), nil
	}
	state, err := DefaultState()
	if err != nil {
		return "", err
	}
	return filepath.Join(state, "mcpbox.sock"), nil
}

// DefaultState is the folder of the daemon's memory: /var/lib/mcpbox for root, else below
// XDG_STATE_HOME.
func DefaultState() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/lib/mcpbox", nil
	}
	dir := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", hint.Errorf("give it with --state DIR", "state of uid %s: %w",
				strconv.Itoa(os.Geteuid()), err)
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "mcpbox"), nil
}
