package policies

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mcpbox/mcpbox/policies/internal/yaml"
)

// expandPath makes a path of the policy file absolute: "~" is the caller's home; other relative
// paths start at the file's folder.
func expandPath(path, folder string) string {
	if path == "~" || strings.HasPrefix(path, "~/") {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, strings.TrimPrefix(path, "~"))
		}
	}
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	if abs, err := filepath.Abs(filepath.Join(folder, path)); err == nil {
		return abs
	}
	return filepath.Join(folder, path)
}

// placePaths expands the host paths that this document set.
func placePaths(p *Policy, src *yaml.Source, index map[string]yaml.Position) {
	folder := filepath.Dir(src.File)
	mounts := p.Filesystem.Mounts
	for i := range mounts {
		at := index["filesystem.mounts["+strconv.Itoa(i)+"]"]
		if at.Source == src && mounts[i].Source != "" {
			mounts[i].Source = expandPath(mounts[i].Source, folder)
		}
	}
	if p.Filesystem.Rootfs != "" && index["filesystem.rootfs"].Source == src {
		p.Filesystem.Rootfs = expandPath(p.Filesystem.Rootfs, folder)
	}
	if p.MCP.Pin.File != "" && index["mcp.pin.file"].Source == src {
		p.MCP.Pin.File = expandPath(p.MCP.Pin.File, folder)
	}
	for i := range p.Limits.IO {
		at := index["limits.io["+strconv.Itoa(i)+"]"]
		if at.Source == src && p.Limits.IO[i].Device != "" {
			p.Limits.IO[i].Device = expandPath(p.Limits.IO[i].Device, folder)
		}
	}
}
