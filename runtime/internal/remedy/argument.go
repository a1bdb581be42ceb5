package remedy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Program returns the hint for a command that fails in every sandbox, or "".
func (c Command) Program() string {
	switch filepath.Base(c.Name) {
	case "apt", "apt-get", "dpkg", "dnf", "yum", "apk", "pacman", "zypper", "snap":
		return "a sandbox can't install into the system: install on the host, or use --rootfs DIR"
	case "docker", "podman", "docker-compose", "nerdctl":
		return "a sandbox can't start containers: run the program itself"
	case "systemctl", "service", "journalctl", "mount", "umount", "modprobe", "iptables", "nft":
		return "a sandbox does not see the host's system: run it on the host"
	}
	return ""
}

// Arguments returns the hint for the first argument that names a path which exists on the host but
// not in the sandbox, or "". wd is the caller's folder, where a relative path would start without a
// sandbox.
func (c Command) Arguments(args []string, wd string) string {
	flag := ""
	for _, word := range args {
		path := word
		if strings.HasPrefix(word, "-") {
			name, value, joined := strings.Cut(word, "=")
			if flag = name; !joined {
				continue
			}
			path = value
		}
		if h := c.argument(path, wd); h != "" {
			if flag != "" && flag != "-m" {
				return "in " + flag + ": " + h
			}
			return h
		}
		flag = ""
	}
	return ""
}

func (c Command) argument(path, wd string) string {
	path = strings.TrimPrefix(path, "file://")
	if path == "" || strings.ContainsAny(path, "\n") {
		return ""
	}
	host := path
	if !filepath.IsAbs(path) {
		host = filepath.Join(wd, path) // also a bare word: there may be a folder with this name
	}
	st, err := os.Stat(host)
	if err != nil || slices.ContainsFunc([]string{"/proc/", "/sys/", "/dev/"}, func(p string) bool {
		return strings.HasPrefix(host, p)
	}) {
		return ""
	}
	inside := path
	if !filepath.IsAbs(path) {
		inside = filepath.Join(c.Dir, path)
	}
	if f := c.Plan.Find(inside); f.Missing == "" {
		return ""
	} else if f.OnHost != "" {
		return linkRemedy(f)
	}
	if in := c.Plan.Inside(host); in != "" && in != inside && c.Plan.Find(in).Missing == "" {
		return path + " is " + in + " inside: give that path"
	}
	what := path + " is on the host and not in the sandbox"
	switch {
	case secret(host):
		return what
	case !filepath.IsAbs(path):
		return what + ", which starts in " + c.Dir + ": --workspace . shows this folder there"
	case st.IsDir():
		return what + ": --mount " + quote(host)
	case programLike(host, st):
		return what + ": --mount " + mountOf(resolved(host))
	}
	return what + ": --mount " + quote(host)
}

// programLike reports whether a file is a script or program, which needs the files around it.
func programLike(path string, st os.FileInfo) bool {
	switch filepath.Ext(path) {
	case ".js", ".mjs", ".cjs", ".ts", ".py", ".rb", ".php", ".pl", ".sh", ".jar", ".lua":
		return true
	}
	return st.Mode()&0o111 != 0
}

// secret reports whether a file is never suggested as a mount.
func secret(path string) bool {
	for _, p := range []string{"/etc/shadow", "/etc/gshadow", "/etc/ssl/private", home() + "/.ssh",
		home() + "/.gnupg", home() + "/.aws"} {
		if path == p || strings.HasPrefix(path, p+"/") {
			return true
		}
	}
	st, err := os.Stat(path)
	private := err == nil && strings.HasPrefix(path, "/etc/") && st.Mode()&0o004 == 0
	return private || path == home() || path == "/"
}
