package mcp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/policies"
)

func BenchmarkScan(b *testing.B) {
	line := []byte(`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"` + strings.Repeat("abcdefgh", 1<<17) + `"}]}}`)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		var s scanner
		s.feed(line)
		if !s.complete() {
			b.Fatal(s.err)
		}
	}
}

func BenchmarkWrap(b *testing.B) {
	for name, text := range map[string]string{"ascii": strings.Repeat("abcdefgh", 1<<17), "utf8": strings.Repeat("aé<b>\\n世 ", 1<<16)} {
		b.Run(name, func(b *testing.B) {
			result := fmt.Appendf(nil, `{"content":[{"type":"text","text":"%s"}]}`, text)
			b.SetBytes(int64(len(result)))
			for b.Loop() {
				m := marker{how: policies.MCPMarkWrap, tag: "untrusted", strip: true, meta: []byte("{}"), budget: -1}
				m.rebuild(result)
			}
		})
	}
}
