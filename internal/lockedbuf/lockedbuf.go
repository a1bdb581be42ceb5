// Package lockedbuf has a buffer for tests that read while another goroutine writes.
//
//	var stderr lockedbuf.Buffer
//	cmd.Stderr = &stderr
//	… stderr.String() // so far
package lockedbuf

import (
	"strings"
	"sync"
)

// Buffer collects text; its zero value is empty. It is safe for concurrent use.
type Buffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
