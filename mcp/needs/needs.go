package needs

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/packages/runner"
)

// Server describes how a client starts a server.
type Server struct {
	Name    string
	Command []string
	Env     map[string]string
	Dir     string // its working folder, if the configuration names one
}

// Host holds facts about the host and the sandbox.
type Host struct {
	Home    string
	Project string // where the client starts its servers, "" if anywhere
	Path    string // PATH of the client
	State   string // the folder for files that servers keep
	// Shown reports whether the sandbox has a path anyway, or the caller has mounted it.
	Shown  func(path string) bool
	Getenv func(string) string
	// Work is the folder that is mounted as /work, where relative paths start; "": none.
	Work string
}

// Mount shows a folder or a file of the host at its own path.
type Mount struct {
	Source string
	Write  bool
	Why    string
}

// Needs lists what a server needs.
type Needs struct {
	Mounts []Mount
	Dir    string   // its working folder, or ""
	Env    []string // variables to set, as "K=V"
	Home   string   // the folder to keep as its home, or ""
	Policy string   // the preset that it needs if standard is too small, or ""
	Notes  []string
	// Asked: values that the client asks for when it starts the server, so that a trial is not
	// possible.
	Asked []string
}

// finder collects the needs of one server.
type finder struct {
	Needs
	s    Server
	h    Host
	base string // where relative paths start, "" if unknown
	// script is the word of the command line that names its program and is not an argument
	script string
	// code holds the programs and scripts that the command runs, by the folder that each needs
	code map[string]string
}

// Of finds the needs of a server.
func Of(s Server, h Host) Needs {
	f := &finder{s: s, h: h, code: map[string]string{}}
	if words := s.Command; filepath.Base(words[0]) == "env" && len(words) > 1 &&
		!strings.HasPrefix(words[1], "-") && !strings.Contains(words[1], "=") {
		f.s.Command = words[1:]
	}
	f.workingFolder()
	f.program()
	f.arguments()
	f.variables()
	f.defaults()
	f.minimal()
	return f.Needs
}

// workingFolder finds the folder in which the server starts.
func (f *finder) workingFolder() {
	if f.s.Dir != "" {
		dir, ok := f.expand(f.s.Dir)
		if !ok {
			f.Dir = f.s.Dir
			f.mount(f.s.Dir, false, "its working folder")
			return
		}
		f.base = dir
		if f.give(dir, false, "its working folder") {
			f.Dir = dir
		}
		return
	}
	f.base = cmp.Or(f.h.Work, f.h.Project)
}

// give mounts a path, or adds a note with the reason why not.
func (f *finder) give(path string, write bool, why string) bool {
	if f.h.Shown(path) {
		return true
	}
	if what := protected(path, f.h.Home); what != "" {
		f.note("not mounted: " + path + ", " + what + " (" + why + "): if the server may have " +
			"it, add --mount " + path)
		return false
	}
	f.mount(path, write, why)
	return true
}

func (f *finder) mount(path string, write bool, why string) {
	for i := range f.Mounts {
		if m := &f.Mounts[i]; m.Source == path {
			m.Write = m.Write || write
			return
		}
	}
	f.Mounts = append(f.Mounts, Mount{path, write, why})
}

func (f *finder) note(text string) {
	if !slices.Contains(f.Notes, text) {
		f.Notes = append(f.Notes, text)
	}
}

// arguments checks the paths that the words of the command line name.
func (f *finder) arguments() {
	words := f.s.Command[1:]
	if r, ok := runner.Parse(f.s.Command); ok {
		words = r.Args
	}
	flag := ""
	for _, word := range words {
		name, value, joined := strings.Cut(word, "=")
		switch {
		case strings.HasPrefix(word, "-") && joined:
			f.value(value, name)
			flag = ""
		case strings.HasPrefix(word, "-"):
			flag = name
		case word == f.script:
		default:
			f.value(word, flag)
			flag = ""
		}
	}
}

// variables checks the paths that the client's variables name.
func (f *finder) variables() {
	var names []string
	for name := range f.s.Env {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		value := f.s.Env[name]
		switch name {
		case "PATH", "HOME", "PWD", "TMPDIR", "SHELL":
			continue
		}
		parts := filepath.SplitList(value)
		if len(parts) < 2 || slices.ContainsFunc(parts, func(p string) bool {
			return !filepath.IsAbs(p)
		}) {
			parts = []string{value}
		}
		for _, p := range parts {
			if filepath.IsAbs(p) || strings.Contains(p, "${") || strings.Contains(p, "://") {
				f.value(p, name)
			}
		}
	}
}

// value checks one word: it may be a path, or a URL of a file. key is the flag or variable that it
// belongs to.
func (f *finder) value(word, key string) {
	text, known := f.expand(word)
	if !known {
		if strings.Contains(word, "${workspaceFolder}") { // the client's folder, unknown here
			f.mount("${workspaceFolder}", f.writes(key, true), "the client's project")
		}
		return
	}
	for _, scheme := range []string{"file://", "sqlite:///", "sqlite://", "sqlite:"} {
		if rest, ok := strings.CutPrefix(text, scheme); ok {
			text = rest
			break
		}
	}
	if strings.Contains(text, "://") || text == "" {
		return
	}
	if text == "~" || strings.HasPrefix(text, "~/") {
		f.note(word + " is the sandbox's own home folder: write " +
			filepath.Join(f.h.Home, text[1:]))
		return
	}
	path, ok := f.locate(text)
	if !ok {
		return
	}
	why := "in its arguments"
	if key != "" {
		why = "in " + key
	}
	info, err := os.Stat(path)
	switch {
	case path == "/tmp" || path == "/var/tmp":
		f.note(path + " is the sandbox's own, empty at each start: name a folder of its own")
	case err != nil:
		// A known writer creates the file itself.
		if dir := filepath.Dir(path); filepath.IsAbs(text) && f.writes(key, false) && isDir(dir) {
			f.give(dir, true, why)
		}
	case info.IsDir():
		f.give(path, f.writes(key, true), why)
	case !info.Mode().IsRegular():
		f.give(path, false, why)
	case f.writes(key, false) && protected(filepath.Dir(path), f.h.Home) == "" &&
		protected(path, f.h.Home) == "":
		f.give(filepath.Dir(path), true, why+", with what is written beside it")
	default:
		f.give(path, f.writes(key, false), why)
	}
}

// locate returns the path on the host that a word names. A relative word only counts as a path if
// it looks like one.
func (f *finder) locate(text string) (path string, ok bool) {
	if filepath.IsAbs(text) {
		return filepath.Clean(text), text != "/dev/null"
	}
	looks := strings.ContainsRune(text, '/') || text == "." || text == ".." ||
		filepath.Ext(text) != ""
	if !looks || f.base == "" || strings.ContainsAny(text, "*?\n") {
		return "", false
	}
	path = filepath.Join(f.base, text)
	if _, err := os.Stat(path); err != nil {
		return "", false
	}
	if f.base == f.h.Work && f.h.Work != "" && within(path, f.base) {
		return "", false // it is in /work
	}
	f.startIn()
	return path, true
}

// startIn makes the server start in the folder where its relative paths start.
func (f *finder) startIn() {
	if f.Dir == "" && f.base != f.h.Work {
		f.Dir = f.base
		f.mountWorkingFolder(f.base)
	}
}

// mountWorkingFolder mounts a working folder, unless the folder is protected or visible anyway.
func (f *finder) mountWorkingFolder(dir string) {
	if protected(dir, f.h.Home) == "" && !f.h.Shown(dir) {
		f.mount(dir, false, "its working folder")
	}
}

// readOnlyCode adds read-only mounts for the server's own code inside folders that it may write to.
func (f *finder) readOnlyCode() {
	for _, root := range slices.Sorted(maps.Keys(f.code)) {
		if !slices.ContainsFunc(f.Mounts, func(m Mount) bool {
			return m.Write && within(root, m.Source)
		}) {
			continue
		}
		parts := []string{root}
		if i := slices.IndexFunc(f.Mounts, func(m Mount) bool { return m.Source == root }); i >= 0 {
			// The folder itself is writable: what it has of code in folders is not.
			first, _, deeper := strings.Cut(strings.TrimPrefix(f.code[root], root+"/"), "/")
			parts = []string{filepath.Join(root, "node_modules")}
			if deeper {
				parts = append(parts, filepath.Join(root, first))
			}
		}
		for _, dir := range slices.Compact(parts) {
			if isDir(dir) {
				f.mount(dir, false, "its program, inside a folder that it may write to")
			}
		}
	}
}

// minimal removes mounts inside other mounts, and writes paths with the client's variables.
func (f *finder) minimal() {
	f.Mounts = slices.DeleteFunc(f.Mounts, func(m Mount) bool {
		return slices.ContainsFunc(f.Mounts, func(o Mount) bool {
			return o.Source != m.Source && within(m.Source, o.Source) && (o.Write || !m.Write)
		})
	})
	f.readOnlyCode()
	if f.h.Project == "" || !f.mentions("${workspaceFolder}") {
		return
	}
	spell := func(path string) string {
		if within(path, f.h.Project) {
			return "${workspaceFolder}" + path[len(f.h.Project):]
		}
		return path
	}
	for i := range f.Mounts {
		f.Mounts[i].Source = spell(f.Mounts[i].Source)
	}
	f.Dir = spell(f.Dir)
}

func (f *finder) mentions(text string) bool {
	if strings.Contains(f.s.Dir, text) {
		return true
	}
	for _, v := range f.s.Env {
		if strings.Contains(v, text) {
			return true
		}
	}
	return slices.ContainsFunc(f.s.Command, func(w string) bool {
		return strings.Contains(w, text)
	})
}

// within reports whether path is dir or is below it.
func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

func isDir(path string) bool { st, err := os.Stat(path); return err == nil && st.IsDir() }

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}
