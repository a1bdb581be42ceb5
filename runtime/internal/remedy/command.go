package remedy

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/belongs"
	"github.com/mcpbox/mcpbox/rootfs"
)

// Command is a command that did not start.
type Command struct {
	Name   string   // as given
	Dir    string   // its working folder, inside
	Env    []string // its environment
	Plan   *rootfs.Plan
	Rootfs string // the folder of --rootfs, or ""
}

// builtins are commands that only a shell has.
var builtins = []string{".", ":", "alias", "bg", "cd", "command", "eval", "exec", "exit", "export",
	"fg", "hash", "jobs", "pushd", "popd",
	"read", "readonly", "return", "set", "shift", "shopt", "source", "times", "trap", "type",
	"ulimit", "umask", "unalias", "unset", "wait"}

// NotFound returns the hint for a command that does not exist inside.
func (c Command) NotFound() string {
	switch {
	case slices.Contains(builtins, c.Name):
		return c.Name + " is a part of the shell: sh -c '" + c.Name + " …'"
	case strings.ContainsAny(c.Name, " \t\n") && !c.existsOnHost():
		return "a shell line is one argument of a shell: sh -c " + quote(c.Name)
	case strings.Contains(c.Name, "/"):
		return c.pathNotFound()
	case c.Rootfs != "":
		return "it must be in " + c.Rootfs + ", the root file system"
	}
	if m, ok := c.covers("/usr"); ok {
		return "the mount at " + m +
			" hides the host's programs: mount the folder elsewhere, such as /opt/NAME"
	}
	found, _ := exec.LookPath(c.Name)
	if found == "" {
		return c.nowhere()
	}
	found, _ = filepath.Abs(found)
	if f := c.Plan.Find(found); f.Missing == "" {
		return "it is " + found +
			", which is in no folder of the PATH inside: give the whole path, or --env PATH=" +
			filepath.Dir(found) + ":/usr/bin:/bin"
	}
	if in := c.Plan.Inside(found); in != "" {
		return "inside it is " + in + ": give that path"
	}
	real := resolved(found)
	if f := c.Plan.Find(real); f.Missing == "" {
		return "give the path that its links lead to: " + real
	}
	return "of the host only /usr, /bin and /lib are inside: --mount " + mountOf(real) +
		", and give the whole path " + real
}

// nowhere is NotFound for a bare name that is in no folder of PATH.
func (c Command) nowhere() string {
	wd, _ := os.Getwd()
	st, err := os.Stat(filepath.Join(wd, c.Name))
	name, _, tag := strings.Cut(c.Name, ":")
	switch {
	case slices.Contains([]string{"sudo", "su", "doas"}, c.Name):
		return "leave it out: a program in the sandbox never gets other rights"
	case err == nil && st.Mode().IsRegular():
		as := "./" + c.Name
		if program := interpreterFor(c.Name); st.Mode().Perm()&0o111 == 0 && program != "" {
			as = program + " " + c.Name
		}
		return "PATH does not have this folder: " + as +
			", with --workspace . if this folder is not the workspace yet"
	case tag || slices.Contains(images, name):
		return "mcpbox runs the host's programs, and no images: leave the image out, or unpack " +
			"it and name its folder with --rootfs DIR"
	}
	return "it is not on the host either: check its name and PATH"
}

// images are names that people give to docker run.
var images = []string{"alpine", "ubuntu", "debian", "fedora", "centos", "rockylinux", "archlinux"}

// interpreterFor returns the program that runs files with this name, or "".
func interpreterFor(name string) string {
	return map[string]string{".js": "node", ".mjs": "node", ".cjs": "node", ".py": "python3",
		".rb": "ruby", ".pl": "perl", ".php": "php", ".lua": "lua", ".sh": "sh",
		".jar": "java -jar"}[filepath.Ext(name)]
}

// pathNotFound is NotFound for a command with a slash.
func (c Command) pathNotFound() string {
	path := c.absolute()
	f := c.Plan.Find(path)
	host := onHost(f.Host)
	switch {
	case f.Missing == "":
	case f.OnHost != "":
		return linkRemedy(f)
	case f.Link != "":
		return f.Link + " is a link to " + f.Target + ", which is not there" + host
	}
	if in := c.Plan.Inside(path); in != "" && exists(path) {
		return "inside it is " + in +
			": give that path, or show the folder at its own with --mount " + sourceOf(c.Plan, path)
	}
	if c.Rootfs != "" && f.Host == "" {
		return "it must be in " + c.Rootfs + ", the root file system"
	}
	if filepath.IsAbs(c.Name) {
		if exists(c.Name) {
			return "the host has it and the sandbox does not: --mount " + mountOf(resolved(c.Name))
		}
		return "it is not on the host either: check the path"
	}
	if wd, err := os.Getwd(); err == nil && exists(filepath.Join(wd, c.Name)) {
		if in := c.Plan.Inside(wd); in != "" && in != c.Dir {
			return "it is looked for in " + c.Dir + " of the sandbox, and this folder is " + in +
				" there: --dir " + quote(in) + " starts in it"
		}
		if f.Host == "" {
			return "it is looked for in " + c.Dir +
				" of the sandbox: --workspace . shows this folder there"
		}
		return "it is looked for in " + c.Dir + " of the sandbox, which is " +
			filepath.Dir(f.Host) + " of the host"
	}
	return "it is looked for in " + c.Dir +
		" of the sandbox: --workspace DIR shows a folder of the host as " + rootfs.Work
}

// NotExecutable returns the hint for a command that exists but may not be executed.
func (c Command) NotExecutable() string {
	const general = "it must be a regular file with an x bit for everybody, or owned by the " +
		"workspace's owner"
	f := c.Plan.Find(c.absolute())
	if f.Missing != "" || f.Host == "" {
		return general
	}
	st, err := os.Stat(f.Host)
	if err != nil {
		return general
	}
	var fs unix.Statfs_t
	switch {
	case st.IsDir():
		return "it is a folder: name the program in it"
	case unix.Statfs(f.Host, &fs) == nil && fs.Flags&unix.ST_NOEXEC != 0:
		return f.Host +
			" is on a file system that the host has mounted noexec: copy it elsewhere, or name " +
			"its interpreter (python3 FILE)"
	case st.Mode().Perm()&0o111 == 0:
		program := cmp.Or(interpreterFor(c.Name), "sh")
		return "chmod +x " + quote(f.Host) + ", or name its interpreter: " + program + " " +
			quote(c.Name)
	}
	if line, _ := firstLine(f.Host); line != "" {
		if i := c.Plan.Find(interpreter(line)); i.Missing == "" && i.Host != "" {
			if st, err := os.Stat(i.Host); err == nil && st.Mode().Perm()&0o111 == 0 {
				return "its first line names " + interpreter(line) + ", which has no x bit"
			}
		}
	}
	return general
}

// linkRemedy returns the mount that shows a link's target at the place where the link leads inside.
func linkRemedy(f rootfs.Found) string {
	return f.Link + " is a link to " + f.Target +
		", which the host has and the sandbox does not: --mount " + mountAt(f.OnHost, f.Target)
}

// absolute returns the command's path inside. For a bare name it is the first existing one in PATH.
func (c Command) absolute() string {
	switch {
	case filepath.IsAbs(c.Name):
		return c.Name
	case strings.Contains(c.Name, "/"):
		return filepath.Join(c.Dir, c.Name)
	}
	for _, e := range c.Env {
		v, ok := strings.CutPrefix(e, "PATH=")
		if !ok {
			continue
		}
		for _, dir := range filepath.SplitList(v) {
			if path := filepath.Join(dir, c.Name); c.Plan.Find(path).Missing == "" {
				return path
			}
		}
	}
	return filepath.Join(c.Dir, c.Name)
}

// covers returns the caller's mount over path, if there is one.
func (c Command) covers(path string) (target string, ok bool) {
	for _, m := range c.Plan.Mounts {
		if m.User && (m.Target == path || m.Target == path+"/bin") {
			return m.Target, true
		}
	}
	return "", false
}

func (c Command) existsOnHost() bool {
	_, err := exec.LookPath(c.Name)
	return err == nil
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

func onHost(path string) string {
	if path == "" {
		return ""
	}
	return " (" + path + " of the host)"
}

// mountOf returns the mount that shows a program with its files: the folder above bin, or else its
// own folder.
func mountOf(program string) string { return mountAt(program, program) }

// mountAt is like mountOf, for a program with another path inside.
func mountAt(host, inside string) string {
	if root, _ := belongs.Root(host, home()); root != "" && host == inside {
		return quote(root + ":" + root + ":ro")
	}
	from, to := filepath.Dir(host), filepath.Dir(inside)
	if base := filepath.Base(from); (base == "bin" || base == "sbin") && filepath.Base(to) == base {
		up := filepath.Dir(from)
		if up != "/" && up != "/usr" && up != home() && filepath.Dir(to) != "/" {
			from, to = up, filepath.Dir(to)
		}
	}
	return quote(from + ":" + to + ":ro")
}

// home is never suggested as a mount.
func home() string { dir, _ := os.UserHomeDir(); return dir }

// sourceOf returns the mount that shows the folder of a host path at its own path.
func sourceOf(p *rootfs.Plan, host string) string {
	for _, m := range p.Mounts {
		if m.User && (host == m.Source || strings.HasPrefix(host, m.Source+"/")) {
			return quote(m.Source + ":" + m.Source)
		}
	}
	return ""
}

// quote returns a word with quotes for sh.
func quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("/._-:+=@,", r)
	}
	if strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
