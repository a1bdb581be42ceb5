package wire

import (
	"strings"
	"testing"
)

func BenchmarkScan(b *testing.B) {
	line := []byte(`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"` +
		strings.Repeat("abcdefgh", 1<<17) + `"}]}}`)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		var s Scanner
		s.Feed(line)
		if !s.Complete() {
			b.Fatal(s.Err)
		}
	}
}
