package policies

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// expandPath makes a path of the policy file absolute: "~" is the caller's home, the rest is relative to the file's folder.
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
func (d *decoder) placePaths(p *Policy) {
	folder := filepath.Dir(d.src.file)
	mounts := p.Filesystem.Mounts
	for i := range mounts {
		at := d.index["filesystem.mounts["+strconv.Itoa(i)+"]"]
		if at.src == d.src && mounts[i].Source != "" {
			mounts[i].Source = expandPath(mounts[i].Source, folder)
		}
	}
	if p.Filesystem.Rootfs != "" && d.index["filesystem.rootfs"].src == d.src {
		p.Filesystem.Rootfs = expandPath(p.Filesystem.Rootfs, folder)
	}
	if p.MCP.Pin.File != "" && d.index["mcp.pin.file"].src == d.src {
		p.MCP.Pin.File = expandPath(p.MCP.Pin.File, folder)
	}
	for i := range p.Limits.IO {
		at := d.index["limits.io["+strconv.Itoa(i)+"]"]
		if at.src == d.src && p.Limits.IO[i].Device != "" {
			p.Limits.IO[i].Device = expandPath(p.Limits.IO[i].Device, folder)
		}
	}
}
