package needs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/belongs"
	"github.com/mcpbox/mcpbox/packages/runner"
)

// usualPath lists the folders of PATH that every sandbox has.
const usualPath = "/usr/local/bin:/usr/bin:/bin"

// program mounts what the command and its script belong to.
func (f *finder) program() {
	if _, ok := runner.Parse(f.s.Command); ok {
		return // mcpbox installs it
	}
	command, known := f.expand(f.s.Command[0])
	if !known {
		return
	}
	f.command(command)
	script := f.scriptWord()
	if script == "" {
		return
	}
	text, known := f.h.Expand(script)
	if !known {
		return // arguments reports it
	}
	f.script = script
	path := text
	if !filepath.IsAbs(path) {
		if f.base == "" {
			f.note(script + " is relative to the folder that the client happens to start in: " +
				"write its whole path")
			return
		}
		path = filepath.Join(f.base, text)
		if f.base == f.h.Work && f.h.Work != "" || !isFile(path) && !isDir(path) {
			return
		}
		f.startIn()
	}
	if isFile(path) || isDir(path) {
		f.belongings(path)
	}
}

// command mounts the program itself, and makes sure that PATH finds it.
func (f *finder) command(name string) {
	path := name
	if !strings.Contains(name, "/") {
		if path = lookPath(name, f.path()); path == "" || f.h.Shown(path) {
			return
		}
		if filepath.Base(filepath.Dir(path)) == "shims" {
			if lookPath(name, usualPath) == "" {
				f.note(path + " only looks for the program: write the path of " + name + " itself")
			}
			return
		}
		f.findIn(filepath.Dir(path))
	} else if !filepath.IsAbs(name) {
		if f.base == "" || f.base == f.h.Work && f.h.Work != "" {
			return
		}
		f.startIn()
		path = filepath.Join(f.base, name)
	}
	if isFile(path) && !f.h.Shown(path) {
		f.belongings(path)
	}
}

// path returns the PATH in which the client searches.
func (f *finder) path() string {
	if p := f.s.Env["PATH"]; p != "" {
		return p
	}
	return f.h.Path
}

// findIn puts a folder first in the sandbox's PATH, unless the client sets PATH.
func (f *finder) findIn(dir string) {
	if f.s.Env["PATH"] != "" || slices.ContainsFunc(f.Env, func(e string) bool {
		return strings.HasPrefix(e, "PATH=")
	}) {
		return
	}
	f.Env = append(f.Env, "PATH="+dir+":"+usualPath)
}

func lookPath(name, path string) string {
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		st, err := os.Stat(file)
		if err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 && filepath.IsAbs(file) {
			return file
		}
	}
	return ""
}

// scriptWord returns the word that an interpreter runs, or "".
func (f *finder) scriptWord() string {
	name := strings.TrimRight(filepath.Base(f.s.Command[0]), "0123456789.")
	words := f.s.Command[1:]
	switch name {
	case "node", "nodejs", "bun", "python", "ruby", "perl", "php", "sh", "bash", "tsx", "ts-node",
		"lua", "Rscript", "dotnet":
	case "deno":
		if len(words) > 0 && words[0] == "run" {
			words = words[1:]
		}
	case "java":
		if i := slices.Index(words, "-jar"); i >= 0 && i+1 < len(words) {
			return words[i+1]
		}
		return ""
	default:
		return ""
	}
	for i, w := range words {
		switch {
		case w == "-c" || w == "-e" || w == "--eval":
			return ""
		case w == "-m" && name == "python" && i+1 < len(words):
			return f.module(words[i+1])
		case slices.Contains([]string{"-r", "--require", "--import", "--loader", "-W", "-X"}, w):
			continue
		case i > 0 && slices.Contains([]string{"-r", "--require", "--import", "--loader", "-W",
			"-X"}, words[i-1]):
			continue
		case !strings.HasPrefix(w, "-"):
			return w
		}
	}
	return ""
}

// module returns the file of a Python module in the working folder.
func (f *finder) module(name string) string {
	first, _, _ := strings.Cut(name, ".")
	for _, file := range []string{first + ".py", first} {
		if _, err := os.Stat(filepath.Join(f.base, file)); err == nil && f.base != "" {
			return file
		}
	}
	return ""
}

// belongings mounts a program or script with what belongs to it: the links to it, its package, its
// interpreter.
func (f *finder) belongings(path string) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return
	}
	for _, p := range slices.Compact([]string{path, real}) {
		if f.h.Shown(p) {
			continue
		}
		for _, root := range f.roots(p) {
			if !f.h.Shown(root) {
				f.code[root] = p
				f.mount(root, false, "its program")
			}
		}
	}
	f.interpreter(real)
}

// interpreter mounts the interpreter that the first line of a script names.
func (f *finder) interpreter(script string) {
	line := belongs.Shebang(script)
	words := strings.Fields(strings.TrimPrefix(line, "#!"))
	if line == "" || len(words) == 0 {
		return
	}
	program := words[0]
	if filepath.Base(program) == "env" && len(words) > 1 {
		name := words[len(words)-1]
		if words[1] != "-S" {
			name = words[1]
		}
		if program = lookPath(name, f.path()); program == "" || f.h.Shown(program) ||
			filepath.Base(filepath.Dir(program)) == "shims" {
			return
		}
		f.findIn(filepath.Dir(program))
	}
	if f.h.Shown(program) || !isFile(program) {
		return
	}
	if belongs.Shebang(program) == "" { // an interpreter is rarely a script itself
		f.belongings(program)
	}
}

// roots returns the folders or files that a program at path needs.
func (f *finder) roots(path string) []string {
	root, kind := belongs.Root(path, f.h.Home)
	switch kind {
	case belongs.Venv:
		return append([]string{root}, f.venv(root)...)
	case belongs.Package:
		if isDir(filepath.Join(root, "node_modules")) {
			return []string{root}
		}
		// one node_modules for several packages
		outer := belongs.Above(root, f.h.Home, "node_modules")
		if outer == "" {
			return []string{root}
		}
		return []string{root, filepath.Join(outer, "node_modules")}
	case belongs.None:
		return []string{f.folder(path)}
	}
	return []string{root}
}

// folder returns the folder of a program, or only the file if the folder contains much else.
func (f *finder) folder(path string) string {
	if isDir(path) {
		return path
	}
	dir := filepath.Dir(path)
	base := filepath.Base(dir)
	if (base == "bin" || base == "sbin") && within(dir, f.h.Home) ||
		protected(dir, f.h.Home) != "" {
		return path
	}
	return dir
}

// venv returns what a virtual environment needs in addition: the Python that it was made with, and
// the folders that are installed as links.
func (f *finder) venv(dir string) (out []string) {
	data, _ := os.ReadFile(filepath.Join(dir, "pyvenv.cfg"))
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(line, "=")
		if bin := strings.TrimSpace(value); strings.TrimSpace(key) == "home" &&
			filepath.IsAbs(bin) && !f.h.Shown(bin) {
			if real, err := filepath.EvalSymlinks(bin); err == nil {
				bin = real
			}
			out = append(out, filepath.Dir(bin))
		}
	}
	links, _ := filepath.Glob(filepath.Join(dir, "lib", "python*", "site-packages", "*.pth"))
	for _, link := range links {
		data, _ := os.ReadFile(link)
		for line := range strings.Lines(string(data)) {
			if p := strings.TrimSpace(line); filepath.IsAbs(p) && isDir(p) && !f.h.Shown(p) &&
				protected(p, f.h.Home) == "" {
				out = append(out, p)
			}
		}
	}
	return out
}
