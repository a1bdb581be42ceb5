// Command demo shows what mcpbox is for: an MCP server does its honest work inside
// the sandbox, and when one of its tools tries to get out, that is refused and
// reported by name. It checks what it tells, and exits 1 if anything is otherwise.
//
//	make demo
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

func main() {
	mcpbox := flag.String("mcpbox", "bin/mcpbox", "the mcpbox binary")
	server := flag.String("server", "bin/demo/notesserver", "the notes server")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, *mcpbox, *server); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, mcpbox, server string) error {
	mcpbox, err := filepath.Abs(mcpbox)
	if err != nil {
		return err
	}
	if server, err = filepath.Abs(server); err != nil {
		return err
	}
	s, err := newScene()
	if err != nil {
		return err
	}
	defer s.close()

	title("1. Without mcpbox: the server's backup_notes tool reads a file that is none of its business")
	if err := s.bare(ctx, server); err != nil {
		return fmt.Errorf("bare: %w", err)
	}
	title("2. The same server under mcpbox: honest work goes on, the way out is shut")
	if err := s.contained(ctx, mcpbox, server); err != nil {
		return fmt.Errorf("under mcpbox: %w", err)
	}
	title("3. What mcpbox saw")
	if err := s.showEvents(); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	title("4. mcpbox report")
	if err := s.showReport(ctx, mcpbox); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	title("Nothing leaked, and everything refused was reported.")
	return nil
}

func title(text string) { fmt.Printf("\n== %s\n\n", text) }
