package needs_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/mcpbox/mcpbox/mcp/needs"
)

func Example() {
	dir, err := os.MkdirTemp("", "needs")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	for _, d := range []string{"node_modules/@acme/notes/dist", "notes"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			panic(err)
		}
	}
	script := filepath.Join(dir, "node_modules/@acme/notes/dist/index.js")
	if err := os.WriteFile(script, nil, 0o644); err != nil {
		panic(err)
	}
	host := needs.Host{Home: "/home/me", Getenv: os.Getenv,
		Shown: func(path string) bool { return false }}
	command := []string{"node", script, filepath.Join(dir, "notes")}
	n := needs.Of(needs.Server{Command: command}, host)
	for _, m := range n.Mounts {
		rel, _ := filepath.Rel(dir, m.Source)
		fmt.Println(rel, m.Write, m.Why)
	}
	// Output:
	// node_modules false its program
	// notes false in its arguments
}
