// Command demo shows what mcpbox is for. An MCP server works inside the sandbox. When one of its
// tools attacks the host, its system calls are refused and reported, and the files and services
// that it looks for are not there. The demo checks what it prints, and exits with 1 if anything
// differs.
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

	title("1. Without mcpbox: the tool backup_notes reads a secret and reaches a local service")
	if err := s.bare(ctx, server); err != nil {
		return fmt.Errorf("bare: %w", err)
	}
	title("2. Under mcpbox: the honest tools work, the attack fails")
	if err := s.contained(ctx, mcpbox, server); err != nil {
		return fmt.Errorf("under mcpbox: %w", err)
	}
	title("3. The events: three system calls were refused")
	if err := s.showEvents(); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	title("4. mcpbox report")
	if err := s.showReport(ctx, mcpbox); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	title(
		"Nothing leaked. Three system calls were refused and reported; " +
			"three things were not there.",
	)
	return nil
}

func title(text string) { fmt.Printf("\n== %s\n\n", text) }
