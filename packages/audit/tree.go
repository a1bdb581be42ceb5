package audit

import (
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

// Tree looks at an installed tree: its lock, compiled files of all packages, and the sources of the
// package that was asked for.
func Tree(tree, pkg string) ([]Finding, error) {
	found := name(pkg)
	lock, err := npm.ReadLock(tree)
	if err != nil {
		return nil, err
	}
	for _, with := range lock.WithScripts() {
		found = append(found, Finding{"script", Medium,
			"it has an install script, which did not run; it may not work without", with})
	}
	own := filepath.Join(tree, "node_modules", filepath.FromSlash(pkg))
	seen := map[string]bool{}
	err = filepath.WalkDir(tree, func(file string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		where, _ := filepath.Rel(tree, file)
		if path.Ext(file) == ".node" && !seen["native"] {
			seen["native"] = true
			found = append(found, Finding{"native", Medium, "it has compiled code", where})
		}
		inner := strings.TrimPrefix(file, own+"/")
		if inner == file || strings.HasPrefix(inner, "node_modules/") || !isSource(file) {
			return nil
		}
		if info, err := d.Info(); err != nil || info.Size() > maxSource {
			return err
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, f := range source(string(data)) {
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

// source looks at one file. Evidence is what was found.
func source(text string) (found []Finding) {
	if r := hidden(text); r != 0 {
		found = append(found, Finding{"hidden", High,
			"its source has invisible characters that change how it reads", fmt.Sprintf("%U", r)})
	}
	if n := len(regexp.MustCompile(`\b_0x[0-9a-f]{4,6}\b`).FindAllStringIndex(text, 50)); n == 50 {
		found = append(found, Finding{"obfuscated", High, "its code is obfuscated", "_0x…"})
	} else if m := regexp.MustCompile(`\beval\s*\(\s*(atob|Buffer\.from|unescape)\b|` +
		`\bFunction\s*\(\s*(atob|Buffer\.from|unescape)\b`).FindString(text); m != "" {
		found = append(found, Finding{"obfuscated", High, "it runs code that it decodes first", m})
	}
	if m := regexp.MustCompile(`["'](node:)?child_process["']`).FindString(text); m != "" {
		found = append(found, Finding{"exec", Info, "it can start other programs", m})
	}
	if m := regexp.MustCompile(`["'](node:)?(https?|net|tls|dgram|undici|axios|node-fetch)["']|` +
		`\bfetch\s*\(`).FindString(text); m != "" {
		found = append(found, Finding{"network", Info, "it can use the network", m})
	}
	return found
}

// hidden returns a bidirectional control or a tag character, 0 if there is none. They have no use in
// a program's source.
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
