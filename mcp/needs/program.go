package needs

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/packages/runner"
)

// usualPath are the folders of PATH that every sandbox has.
const usualPath = "/usr/local/bin:/usr/bin:/bin"

// program shows what the command and the script that it interprets belong to.
func (f *finder) program() {
	if _, ok := runner.Parse(f.s.Command); ok {
		return // it is installed elsewhere
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
		return // arguments says so
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

// command shows the program itself, and makes it be found.
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

// path is the PATH that the client looks in.
func (f *finder) path() string {
	if p := f.s.Env["PATH"]; p != "" {
		return p
	}
	return f.h.Path
}

// findIn puts a folder first in the sandbox's PATH, unless the client sets that.
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

// scriptWord is the word that an interpreter runs, "" if there is none.
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

// module is the file of a Python module that lies in the working folder.
func (f *finder) module(name string) string {
	first, _, _ := strings.Cut(name, ".")
	for _, file := range []string{first + ".py", first} {
		if _, err := os.Stat(filepath.Join(f.base, file)); err == nil && f.base != "" {
			return file
		}
	}
	return ""
}

// belongings shows a program or script with what it needs of its surroundings: the links to it, its
// package, its interpreter.
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
				f.mount(root, false, "its program")
			}
		}
	}
	f.interpreter(real)
}

// interpreter shows what the first line of a script names.
func (f *finder) interpreter(script string) {
	line := shebang(script)
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
	if shebang(program) == "" { // a script's interpreter that is a script itself is seldom
		f.belongings(program)
	}
}

func shebang(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	line, err := bufio.NewReader(io.LimitReader(file, 256)).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "#!") {
		return ""
	}
	return strings.TrimSpace(line)
}

// roots are the folders or files that a program at path needs.
func (f *finder) roots(path string) []string {
	if i := strings.Index(path, "/node_modules/"); i >= 0 {
		return []string{path[:i] + "/node_modules"}
	}
	if venv := above(path, f.h.Home, "pyvenv.cfg"); venv != "" {
		return append([]string{venv}, f.venv(venv)...)
	}
	if pkg := above(path, f.h.Home, "package.json"); pkg != "" && forNode(path) {
		roots := []string{pkg}
		if !isDir(filepath.Join(pkg, "node_modules")) { // one for several packages
			if outer := above(filepath.Dir(pkg)+"/x", f.h.Home, "node_modules"); outer != "" {
				roots = append(roots, filepath.Join(outer, "node_modules"))
			}
		}
		return roots
	}
	for _, sign := range projectSigns(path) {
		if project := above(path, f.h.Home, sign); project != "" {
			return []string{project}
		}
	}
	return []string{f.folder(path)}
}

// forNode reports a script that is one of Node's by its name, or may be.
func forNode(path string) bool {
	switch filepath.Ext(path) {
	case ".js", ".mjs", ".cjs", ".ts", ".mts":
		return true
	case "":
		return isDir(path) || strings.Contains(shebang(path), "node")
	}
	return false
}

// projectSigns are the files that a script's project has at its top.
func projectSigns(path string) []string {
	switch filepath.Ext(path) {
	case ".py":
		return []string{"pyproject.toml", "setup.py", "requirements.txt"}
	case ".rb":
		return []string{"Gemfile"}
	case ".php":
		return []string{"composer.json"}
	case ".ts", ".js":
		return []string{"deno.json"}
	}
	return nil
}

// folder is the folder of a program, or of the installation that its bin belongs to; the file alone
// if the folder holds much else.
func (f *finder) folder(path string) string {
	if isDir(path) {
		return path
	}
	dir := filepath.Dir(path)
	if base := filepath.Base(dir); base == "bin" || base == "sbin" {
		up := filepath.Dir(dir)
		if isDir(filepath.Join(up, "lib")) && protectedRoot(up, f.h.Home) == "" {
			return up
		}
		if within(dir, f.h.Home) {
			return path
		}
	}
	if protectedRoot(dir, f.h.Home) != "" {
		return path
	}
	return dir
}

// protectedRoot is protected, but for programs that are installed below a dot folder.
func protectedRoot(dir, home string) string {
	rest, dot := strings.CutPrefix(dir, home+"/.")
	if dot && strings.Count(rest, "/") >= 2 {
		return ""
	}
	return protected(dir, home)
}

// above is the nearest folder above path that has an entry called name. It ends below home and /.
func above(path, home, name string) string {
	up := filepath.Dir
	for dir := up(path); dir != "/" && dir != home && dir != "."; dir = up(dir) {
		if protectedRoot(dir, home) != "" {
			return ""
		}
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return dir
		}
	}
	return ""
}

// venv is what a virtual environment needs beside itself: the Python that it was made with, and the
// folders that are installed as links.
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

func isBinary(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	head := make([]byte, 4)
	_, err = io.ReadFull(file, head)
	return err == nil && bytes.Equal(head, []byte("\x7fELF"))
}
