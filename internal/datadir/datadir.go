// Package datadir finds the folder for a user's data. XDG Base Directory Specification
package datadir

import (
	"os"
	"path/filepath"
)

// Path returns $XDG_DATA_HOME/mcpbox/NAME, or ~/.local/share/mcpbox/NAME. It creates nothing.
func Path(name string) (string, error) {
	dir := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(dir) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(dir, "mcpbox", name), nil
}
