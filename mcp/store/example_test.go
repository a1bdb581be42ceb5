package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/store"
)

func Example() {
	dir, err := os.MkdirTemp("", "mcpbox-store-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "allow.db")
	s, err := store.Open(path)
	if err != nil {
		panic(err)
	}
	defer s.Close()

	ctx := context.Background()
	rule := access.Rule{Layer: access.LayerTool, Match: "read_*", Effect: access.Allow}
	entry, err := s.Update(ctx, store.Author{User: "ada"}, "add", false,
		func(now []access.Rule) ([]access.Rule, error) { return append(now, rule), nil })
	if err != nil {
		panic(err)
	}
	fmt.Print("entry ", entry.Seq, ": ", entry.Changes[0])

	// A proxy follows the store: changes apply at once.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	list, err := store.Follow(ctx, path, nil)
	if err != nil {
		panic(err)
	}
	v := list.Check(access.Item{Server: "notes", Kind: access.KindTool, Name: "read_note"})
	fmt.Println(v.Allowed)
	// Output:
	// entry 1: + b9d1e07c85ed tool allow read_*
	// true
}
