package fswatch

import (
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// kind names what makes a file dangerous for the host: hook, profile, executable, or nothing.
func kind(f Folder) string {
	name := path.Base(f.Target)
	parts := strings.Split(f.Target, "/")
	if at := slices.Index(parts, "hooks"); at > 0 && at < len(parts)-1 &&
		strings.HasSuffix(parts[at-1], ".git") && !strings.HasSuffix(name, ".sample") {
		return "hook"
	}
	if slices.Contains(parts, ".git") && name == "config" { // core.hooksPath, core.fsmonitor …
		return "hook"
	}
	if profile(name) {
		return "profile"
	}
	var st unix.Stat_t
	if unix.Lstat(f.Source, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG &&
		st.Mode&0o111 != 0 {
		return "executable"
	}
	return ""
}

// profile reports whether shells, and programs that start with them, read a file of this name.
func profile(name string) bool {
	switch name {
	case ".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases", ".profile",
		".zshrc", ".zshenv", ".zprofile", ".zlogin", ".zlogout", ".kshrc", ".cshrc", ".tcshrc",
		".login", "config.fish", ".envrc", ".inputrc", ".xprofile", ".xinitrc", ".xsessionrc":
		return true
	}
	return false
}
