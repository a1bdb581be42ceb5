package npm

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/safetext"
)

// Project compares the registries of a project's .npmrc, which is not read otherwise, with those in
// use, for packages of a tree. npx in that folder would take them from there: whoever publishes the
// same name in the other registry would be installed instead.
func (c *Config) Project(folder string, names []string) error {
	for dir := folder; ; dir = filepath.Dir(dir) {
		file := filepath.Join(dir, ".npmrc")
		values := map[string]string{}
		err := readFile(file, func(string) string { return "" }, values)
		switch {
		case file == c.user: // this one is read
			return nil
		case err == nil:
			return c.differs(file, values, names)
		case !os.IsNotExist(err):
			return hint.Errorf("make it readable", "npm configuration: %w", err)
		}
		for _, mark := range []string{"package.json", "node_modules"} { // the project's root
			if _, err := os.Lstat(filepath.Join(dir, mark)); err == nil {
				return nil
			}
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

func (c *Config) differs(file string, values map[string]string, names []string) error {
	for _, name := range names {
		key := "registry"
		if scope, _, ok := strings.Cut(name, "/"); ok && values[scope+":registry"] != "" {
			key = scope + ":registry"
		}
		if there := values[key]; there != "" && withSlash(there) != c.RegistryOf(name) {
			there = safetext.Clean(there, 200)
			return hint.Errorf("npm config set --location=user "+key+" "+there+", if it is right",
				"%s takes %s from %s, and your own configuration from %s: mcpbox reads no npmrc "+
					"of a project", file, name, there, c.RegistryOf(name))
		}
	}
	return nil
}
