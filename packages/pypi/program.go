package pypi

import (
	"bufio"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/packages/runner"
)

// Site is the folder of packages in a tree, for a version of Python such as 3.11.
func Site(python string) string { return path.Join("lib", "python"+python, "site-packages") }

// Program is the file of a package's program, below the tree: the one that is named, else the one
// that has the package's name, else the only one.
func Program(tree, python, name, program string) (string, error) {
	bin := path.Join(Site(python), "bin")
	declared, err := declared(filepath.Join(tree, Site(python)), name)
	if err != nil {
		return "", err
	}
	for _, want := range []string{program, name, runner.Normal(name),
		strings.ReplaceAll(runner.Normal(name), "-", "_")} {
		if want == "" || program != "" && want != program {
			continue
		}
		file := path.Join(bin, want)
		if info, err := os.Stat(filepath.Join(tree, file)); err == nil && info.Mode().IsRegular() {
			return file, nil
		}
	}
	switch {
	case len(declared) == 0:
		return "", fmt.Errorf("the package %s has no program to run", name)
	case program == "" && len(declared) == 1:
		return path.Join(bin, declared[0]), nil
	}
	return "", hint.Errorf("name one: uvx --from "+name+" PROGRAM",
		"the package %s has the programs %s", name, strings.Join(declared, ", "))
}

// declared are the console scripts of a package.
func declared(site, name string) (out []string, err error) {
	infos, err := filepath.Glob(filepath.Join(site, "*.dist-info"))
	if err != nil {
		return nil, err
	}
	for _, info := range infos {
		base, _, _ := strings.Cut(filepath.Base(info), "-")
		if runner.Normal(base) != runner.Normal(name) {
			continue
		}
		f, err := os.Open(filepath.Join(info, "entry_points.txt"))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		defer f.Close()
		section := ""
		for lines := bufio.NewScanner(f); lines.Scan(); {
			line := strings.TrimSpace(lines.Text())
			if strings.HasPrefix(line, "[") {
				section = strings.Trim(line, "[]")
			} else if key, _, ok := strings.Cut(line, "="); ok && section == "console_scripts" {
				key = strings.TrimSpace(key)
				if key == path.Base(key) && key != "." && key != ".." {
					out = append(out, key)
				}
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// Dist is the folder of a package's own files below the site, as its record says it; nil: unknown.
func Dist(site, name string) []string {
	infos, _ := filepath.Glob(filepath.Join(site, "*.dist-info", "RECORD"))
	for _, record := range infos {
		base, _, _ := strings.Cut(filepath.Base(filepath.Dir(record)), "-")
		if runner.Normal(base) != runner.Normal(name) {
			continue
		}
		data, err := os.ReadFile(record)
		if err != nil {
			return nil
		}
		var out []string
		for line := range strings.Lines(string(data)) {
			file, _, _ := strings.Cut(strings.TrimSpace(line), ",")
			if strings.HasSuffix(file, ".py") && filepath.IsLocal(file) {
				out = append(out, file)
			}
		}
		return out
	}
	return nil
}
