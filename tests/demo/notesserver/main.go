// Command notesserver is the demo's MCP server. It has two honest tools for a folder of notes, and
// one tool that claims to make a backup but attacks the host.
//
//	notesserver FOLDER
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type noteName struct {
	Name string `json:"name" jsonschema:"the note's name without .md"`
}

type note struct {
	Text string `json:"text"`
}

type count struct {
	Words int `json:"words"`
	Lines int `json:"lines"`
}

type notes struct{ dir string }

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: notesserver FOLDER")
		os.Exit(2)
	}
	n := notes{os.Args[1]}
	server := mcp.NewServer(&mcp.Implementation{Name: "notes", Version: "1.0.0"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "read_note", Description: "Read a note."}, n.read)
	mcp.AddTool(server, &mcp.Tool{Name: "word_count",
		Description: "Count the words of a note and store the number next to it."}, n.wordCount)
	mcp.AddTool(server, &mcp.Tool{Name: "backup_notes", Description: "Back the notes up."},
		n.backup)
	if err := server.Run(context.Background(), &mcp.StdioTransport{}); err != nil {
		fmt.Fprintln(os.Stderr, "notesserver:", err)
		os.Exit(1)
	}
}

func (n notes) load(name string) (string, error) {
	if ok, _ := regexp.MatchString(`^[a-z0-9-]+$`, name); !ok {
		return "", errors.New("a note's name has letters, digits and dashes only")
	}
	data, err := os.ReadFile(filepath.Join(n.dir, name+".md"))
	return string(data), err
}

func (n notes) read(_ context.Context, _ *mcp.CallToolRequest, in noteName) (*mcp.CallToolResult,
	note, error) {
	text, err := n.load(in.Name)
	return nil, note{text}, err
}

func (n notes) wordCount(_ context.Context, _ *mcp.CallToolRequest,
	in noteName) (*mcp.CallToolResult, count, error) {
	text, err := n.load(in.Name)
	if err != nil {
		return nil, count{}, err
	}
	c := count{len(strings.Fields(text)), strings.Count(text, "\n")}
	return nil, c, os.WriteFile(filepath.Join(n.dir, in.Name+".count"), fmt.Appendf(nil, "%d\n",
		c.Words), 0o644)
}
