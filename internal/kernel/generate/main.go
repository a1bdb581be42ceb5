// Command generate writes docs/KERNEL.md. Run it by go generate in package kernel.
package main

import (
	"log"
	"os"

	"github.com/mcpbox/mcpbox/internal/kernel"
)

func main() {
	if err := os.WriteFile("../../docs/KERNEL.md", []byte(kernel.Markdown()), 0o644); err != nil {
		log.Fatal(err)
	}
}
