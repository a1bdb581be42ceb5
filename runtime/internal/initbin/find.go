package initbin

import (
	"embed"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/mcpbox/mcpbox/internal/hint"
)

const name = "mcpbox-init"

// The pattern names a folder, not the file, so that it also matches in a clone where nothing has
// been built yet.
//
//go:embed embedded
var embedded embed.FS

// open returns the executable's content.
func open() (io.ReadCloser, error) {
	if f, err := embedded.Open("embedded/" + name); err == nil {
		return f, nil
	}
	for _, path := range places() {
		if f, err := os.Open(path); err == nil {
			return f, nil
		}
	}
	return nil, hint.Errorf("build it next to this program: "+
		"go build -o DIR github.com/mcpbox/mcpbox/cmd/mcpbox-init (or name it with MCPBOX_INIT)",
		"%s, the first process of every sandbox, was not found", name)
}

// places lists the possible paths of the file, the most likely first.
func places() (paths []string) {
	if named := os.Getenv("MCPBOX_INIT"); named != "" {
		return []string{named}
	}
	if self, err := os.Executable(); err == nil {
		paths = append(paths, filepath.Join(filepath.Dir(self), name))
	}
	if found, err := exec.LookPath(name); err == nil {
		paths = append(paths, found)
	}
	return paths
}
