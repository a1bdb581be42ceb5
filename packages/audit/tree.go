package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/mcpbox/mcpbox/packages/npm"
)

const maxSource = 4 << 20 // of a file that is read; larger ones are data

// Part is a package of a tree of npm, as the registry describes it.
type Part struct {
	Folder, Name, Version string
	Scripts               bool // it has an install script
}

// Tree looks at an installed tree of npm: compiled files and manifests of all packages, and the
// sources of the package that was asked for. scripts are the packages with an install script.
func Tree(tree, pkg string, parts []Part) (found []Finding, scripts []string, err error) {
	found = name(pkg)
	for _, p := range parts {
		more, has := manifest(filepath.Join(tree, filepath.FromSlash(p.Folder)), p)
		found = append(found, more...)
		if has {
			scripts = append(scripts, p.Name)
			found = append(found, Finding{"script", Medium,
				"it has an install script, which runs only if the package is trusted; without " +
					"it, it may not work", p.Name})
		}
	}
	own := filepath.Join("node_modules", filepath.FromSlash(pkg))
	found, err = walk(found, tree, ".node", func(where string) bool {
		inner := strings.TrimPrefix(where, own+"/")
		return inner != where && !strings.HasPrefix(inner, "node_modules/") && isSource(where)
	}, script)
	return found, scripts, err
}

// manifest compares what an archive says of itself with what the registry says. They may differ:
// whoever publishes a package writes both.
func manifest(folder string, p Part) (found []Finding, scripts bool) {
	spec := p.Name + "@" + p.Version
	m, err := npm.ReadManifest(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, p.Scripts // an optional package for another machine
	}
	if err != nil || m.Name != p.Name || !sameVersion(m.Version, p.Version) {
		evidence := spec
		if err == nil {
			evidence += ", " + m.Name + "@" + m.Version
		}
		found = append(found, Finding{"manifest", High,
			"its archive is of another package than the registry says", evidence})
	}
	if err != nil || p.Scripts {
		return found, p.Scripts
	}
	for _, name := range []string{"preinstall", "install", "postinstall"} {
		if m.Scripts[name] != "" {
			return append(found, Finding{"manifest", High,
				"its archive has an install script that the registry does not name",
				spec + " " + name + ": " + m.Scripts[name]}), true
		}
	}
	_, err = os.Lstat(filepath.Join(folder, "binding.gyp")) // npm runs node-gyp for it
	return found, err == nil
}

// sameVersion compares texts: a manifest may have a v, and a registry leaves out +BUILD.
func sameVersion(a, b string) bool {
	plain := func(v string) string {
		v, _, _ = strings.Cut(strings.TrimLeft(strings.TrimSpace(v), "v="), "+")
		return v
	}
	return plain(a) == plain(b)
}

// Python looks at a tree of pip's. own are the files of the package that was asked for, below site.
func Python(tree, pkg string, own []string, site string) ([]Finding, error) {
	files := map[string]bool{}
	for _, file := range own {
		where, err := filepath.Rel(tree, filepath.Join(site, filepath.FromSlash(file)))
		if err != nil {
			return nil, err
		}
		files[where] = true
	}
	return walk(name(pkg), tree, ".so", func(where string) bool { return files[where] }, python)
}

// walk looks at all files for compiled ones, and at the sources that are of interest.
func walk(found []Finding, tree, compiled string, source func(where string) bool,
	look func(text string) []Finding) ([]Finding, error) {
	seen := map[string]bool{}
	err := filepath.WalkDir(tree, func(file string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		where, _ := filepath.Rel(tree, file)
		if path.Ext(file) == compiled && !seen["native"] {
			seen["native"] = true
			found = append(found, Finding{"native", Medium, "it has compiled code", where})
		}
		if !source(where) {
			return nil
		}
		if info, err := d.Info(); err != nil || info.Size() > maxSource {
			return err
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, f := range append(look(string(data)), text(string(data))...) {
			if !seen[f.ID] {
				seen[f.ID] = true
				f.Evidence = strings.TrimPrefix(where+" "+f.Evidence, " ")
				found = append(found, f)
			}
		}
		return nil
	})
	return found, err
}

func isSource(file string) bool {
	switch path.Ext(file) {
	case ".js", ".mjs", ".cjs", "":
		return true
	}
	return false
}

// text looks at a source of any language. Evidence is what was found.
func text(source string) (found []Finding) {
	if r := hidden(source); r != 0 {
		found = append(found, Finding{"hidden", High,
			"its source has invisible characters that change how it reads", fmt.Sprintf("%U", r)})
	}
	return found
}

// minified is the length of a line that no person wrote.
const minified = 20_000

// first finds a pattern, and says it as a finding.
func first(source, id string, s Severity, what, pattern string) []Finding {
	if m := regexp.MustCompile(pattern).FindString(source); m != "" {
		return []Finding{{id, s, what, m}}
	}
	return nil
}

// script looks at a source of JavaScript.
func script(source string) (found []Finding) {
	names := regexp.MustCompile(`\b_0x[0-9a-f]{4,6}\b`).FindAllStringIndex(source, 50)
	if len(names) == 50 {
		found = append(found, Finding{"obfuscated", High, "its code is obfuscated", "_0x…"})
	} else {
		found = append(found, first(source, "obfuscated", High,
			"it runs code that it decodes first",
			`\beval\s*\(\s*(atob|Buffer\.from|unescape)\b|`+
				`\bFunction\s*\(\s*(atob|Buffer\.from|unescape)\b`)...)
	}
	for line := range strings.Lines(source) {
		if len(line) > minified {
			found = append(found, Finding{"minified", Info,
				"its code is minified: it is hard to read",
				fmt.Sprintf("a line of %d bytes", len(line))})
			break
		}
	}
	found = append(found, first(source, "exec", Info, "it can start other programs",
		`["'](node:)?child_process["']`)...)
	return append(found, first(source, "network", Info, "it can use the network",
		`["'](node:)?(https?|net|tls|dgram|undici|axios|node-fetch)["']|\bfetch\s*\(`)...)
}

// python looks at a source of Python.
func python(source string) []Finding {
	found := first(source, "obfuscated", High, "it runs code that it decodes first",
		`\b(exec|eval)\s*\(\s*(__import__\s*\(\s*["'](base64|zlib|marshal|codecs)|`+
			`(base64|zlib|marshal|codecs)\s*\.|bytes\.fromhex|compile\s*\(\s*(base64|zlib)\b)`)
	found = append(found, first(source, "exec", Info, "it can start other programs",
		`(?m)^\s*(import|from)\s+subprocess\b|\bos\.(system|popen|exec|spawn)`)...)
	return append(found, first(source, "network", Info, "it can use the network",
		`(?m)^\s*(import|from)\s+(socket|ssl|http|urllib|requests|httpx|aiohttp|websockets)\b`)...)
}

// hidden returns a bidirectional control or a tag character, 0 if there is none. They have no use
// in a program's source.
func hidden(text string) rune {
	if !utf8.ValidString(text) {
		return 0 // no text
	}
	for _, r := range text {
		switch {
		case r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r >= 0xE0001 && r <= 0xE007F:
			return r
		}
	}
	return 0
}
