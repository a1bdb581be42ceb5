package policies

import (
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

func (c *checker) filesystem(f *Filesystem) {
	if f.Rootfs != "" && (!path.IsAbs(f.Rootfs) || strings.ContainsRune(f.Rootfs, 0)) {
		c.fail("filesystem.rootfs", "", "filesystem.rootfs %q is not an absolute path", f.Rootfs)
	}
	targets := map[string]bool{}
	for i, m := range f.Mounts {
		at := fmt.Sprintf("filesystem.mounts[%d]", i)
		c.enum(at+".mode", string(m.Mode), string(ReadOnly), string(ReadWrite))
		switch {
		case m.Source == "":
			c.fail(at+".source", "name a file or folder of the host", "%s needs a source", at)
		case !path.IsAbs(m.Source) || strings.ContainsRune(m.Source, 0):
			c.fail(at+".source", "", "mount source %q is not an absolute path", m.Source)
		}
		if m.Target == "" {
			c.fail(at+".target", "such as /work", "%s needs a target", at)
			continue
		}
		if problem, remedy := CheckTarget(m.Target); problem != "" {
			c.fail(at+".target", remedy, "mount target %q %s", m.Target, problem)
			continue
		}
		if targets[m.Target] {
			c.fail(at+".target", `choose another, or replace the inherited list with "!mounts"`,
				"two mounts have the target %s", m.Target)
		}
		targets[m.Target] = true
	}
	for i, folder := range f.Folders {
		at := fmt.Sprintf("filesystem.folders[%d]", i)
		if problem, remedy := checkInside(folder); problem != "" {
			c.fail(at, remedy, "folder %q %s", folder, problem)
		} else if !strings.HasPrefix(folder, "/work/") && !strings.HasPrefix(folder, "/tmp/") &&
			!strings.HasPrefix(folder, "/home/user/") {
			c.fail(at, "such as /work/out", "folder %q is not below /work, /tmp or /home/user",
				folder)
		}
	}
	for i, h := range f.Hidden {
		if h == "/" {
			c.fail(fmt.Sprintf("filesystem.hidden[%d]", i), "hide single paths", "hidden path / "+
				"would hide everything")
		} else if problem, remedy := checkInside(h); problem != "" {
			c.fail(fmt.Sprintf("filesystem.hidden[%d]", i), remedy, "hidden path %q %s", h, problem)
		}
	}
}

// CheckTarget says what is wrong with a mount target and what to do about it. Both are "" for a
// valid target. It is pure: package rootfs checks symbolic links.
func CheckTarget(target string) (problem, remedy string) {
	if problem, remedy = checkInside(target); problem != "" {
		return problem, remedy
	}
	if target == "/" {
		return "would replace the whole rootfs", "to use a folder as the root, set " +
			"filesystem.rootfs"
	}
	below := target + "/"
	// a single device may be bound
	if target == "/dev" || strings.HasPrefix(below, "/proc/") || strings.HasPrefix(below, "/sys/") {
		return "belongs to the sandbox itself", "choose a path outside /proc, /sys and /dev"
	}
	return "", ""
}

// checkInside requires an absolute path in its shortest form.
func checkInside(p string) (problem, remedy string) {
	switch {
	case strings.ContainsRune(p, 0):
		return "contains a zero byte", ""
	case !path.IsAbs(p):
		return "is not absolute", "begin it with /"
	case strings.Contains(p+"/", "/../"):
		return "contains ..", "write the path without .."
	case path.Clean(p) != p:
		return "is not in its shortest form", "write " + path.Clean(p)
	}
	return "", ""
}

// printable reports whether a text can appear in a report unchanged.
func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
