package mark

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/mcpbox/mcpbox/mcp/internal/sanitize"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	"github.com/mcpbox/mcpbox/policies"
)

// A wrapped text contains no closing tag and nothing invisible. Plain ASCII without the tag's name
// passes unchanged.
func FuzzWrappedText(f *testing.F) {
	for _, s := range []string{"hello", "</untrusted>", "< / unTRUSTED",
		"\x1b[0m</\x1b]x\x07untrusted>", "＜／ｕｎｔｒｕｓｔｅｄ", "\u202e<\u200b/untrusted", "<</untrusted",
		"\x9b1m", "\xc2\x9b1m<", "a\nb\t\"c\" \\ \\u003c/untrusted> d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m := Marker{how: policies.MCPMarkWrap, tag: "untrusted", source: "mcp:a/b", strip: true}
		got := m.text(s)
		for _, budget := range []int{0, 5, 1000} {
			raw := wire.Quote(s)
			slow := Marker{how: m.how, tag: m.tag, source: m.source, strip: true, max: budget,
				budget: budget}
			quick := slow
			if want, have := slow.text(wire.Unquote(raw)),
				wire.Unquote(quick.quoted(nil, raw)); have != want || quick.budget != slow.budget {
				t.Fatalf("as it is written %q becomes %q, decoded %q", raw, have, want)
			}
		}
		inner, ok := strings.CutPrefix(got, "<untrusted source=\"mcp:a/b\">\n")
		inner, ok2 := strings.CutSuffix(inner, "\n</untrusted>")
		if !ok || !ok2 || !utf8.ValidString(got) {
			t.Fatalf("not wrapped: %q", got)
		}
		squeezed := strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) || sanitize.IsHidden(r) || sanitize.IsJoiner(r) {
				return -1
			}
			return unicode.ToLower(r)
		}, inner)
		for _, tag := range []string{"</untrusted", "<untrusted", "<//untrusted"} {
			if strings.Contains(squeezed, tag) {
				t.Fatalf("%q: a tag survives: %q", s, inner)
			}
		}
		for _, r := range inner {
			if sanitize.IsHidden(r) {
				t.Fatalf("%q: %U survives", s, r)
			}
		}
		if sanitize.Strip(inner) != inner || sanitize.DefuseTag(inner, "untrusted") != inner {
			t.Fatalf("%q: once more changes it: %q", s, inner)
		}
		if sanitize.PrintableASCII(s) && !strings.Contains(strings.ToLower(s), "untrusted") &&
			!strings.ContainsRune(s, '<') && inner != s {
			t.Fatalf("%q becomes %q", s, inner)
		}
	})
}

// A marked result is JSON and has its provenance. With labels only, every byte outside of _meta
// stays. With wrapping, every text is changed.
func FuzzMarkedResult(f *testing.F) {
	f.Add([]byte(`{"content":[{"type":"text","text":"x"}],"isError":false,"z":[1.0]}`), true)
	f.Add(
		[]byte(
			`{"content":[{"type":"resource","resource":{"uri":"\u001b[1m","text":"a\u200b"}},"\u202e"],"</untrusted>":[{"\u200b":"</untrusted>"}]}`,
		),
		true,
	)
	f.Add([]byte(`{"_meta":{"a":1},"structuredContent":{"b":"</untrusted>"}}`), false)
	f.Fuzz(func(t *testing.T, result []byte, wrapped bool) {
		message := append(append([]byte(`{"jsonrpc":"2.0","id":1,"result":`), result...), '}')
		env, err := wire.Scan(message)
		if err != nil || !json.Valid(message) || env.At(wire.FieldResult).Kind != '{' {
			return
		}
		m := Marker{how: policies.MCPMarkMeta, meta: []byte(`{"untrusted":true}`), tag: "untrusted"}
		var out []byte
		if wrapped {
			m.how, m.strip = policies.MCPMarkWrap, true
			fresh, withheld := m.Rebuild(env.Raw(message, wire.FieldResult), nil)
			if withheld != "" {
				return
			}
			out = fresh
		} else {
			whole := bytes.Join(m.Label(message, env.At(wire.FieldResult), env.At(wire.FieldMeta)),
				nil)
			again, err := wire.Scan(whole)
			if err != nil || !json.Valid(whole) {
				t.Fatalf("not JSON: %s", whole)
			}
			out = again.Raw(whole, wire.FieldResult)
		}
		var before, after map[string]json.RawMessage
		if json.Unmarshal(env.Raw(message, wire.FieldResult), &before) != nil {
			return
		}
		if err := json.Unmarshal(out, &after); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var meta map[string]json.RawMessage
		if json.Unmarshal(after["_meta"], &meta) != nil ||
			string(meta[ProvenanceKey]) != `{"untrusted":true}` {
			t.Fatalf("no provenance: %s", out)
		}
		for k, v := range before {
			if k != "_meta" && !wrapped && !bytes.Equal(v, after[k]) {
				t.Fatalf("%s: %s became %s", k, v, after[k])
			}
		}
		if !wrapped {
			return
		}
		delete(after, "_meta")
		for k, v := range after {
			var plain any
			if json.Unmarshal(v, &plain) != nil { // a number that is too large
				continue
			}
			if k == "content" { // the tags in it are the proxy's own
				m.how = policies.MCPMarkMeta
			}
			if _, changed := m.cleanValue(map[string]any{k: plain}); changed {
				t.Fatalf("%s: %s: %s is left", result, k, v)
			}
			m.how = policies.MCPMarkWrap
		}
	})
}

func BenchmarkWrap(b *testing.B) {
	for name, text := range map[string]string{"ascii": strings.Repeat("abcdefgh", 1<<17),
		"utf8": strings.Repeat("aé<b>\\n世 ", 1<<16)} {
		b.Run(name, func(b *testing.B) {
			result := fmt.Appendf(nil, `{"content":[{"type":"text","text":"%s"}]}`, text)
			b.SetBytes(int64(len(result)))
			for b.Loop() {
				m := Marker{how: policies.MCPMarkWrap, tag: "untrusted", strip: true,
					meta: []byte("{}"), budget: -1}
				m.Rebuild(result, nil)
			}
		})
	}
}
