package mcp

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"
	"unicode/utf8"

	"github.com/mcpbox/mcpbox/policies"
)

// The scanner accepts what encoding/json accepts (no member twice that matters here, no carriage return within), fed whole or byte by byte.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{`{"jsonrpc":"2.0","id":1,"method":"x","params":{"name":"a","arguments":{}}}`, `[1,2.5e-3,"a\u00e9",null,true]`, `{"result":{"content":[]},"id":"7"}`,
		`-`, `01`, `1.`, `"\x"`, `{"a":}`, `[1,]`, `nul`, ` {} `, `{}{}`, "\"\x1f\"", `{"id":1,"id":2}`, `{"i\u0064":1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var whole, bits scanner
		whole.feed(data)
		for i := range data {
			bits.feed(data[i : i+1])
		}
		if whole.complete() != bits.complete() || whole.err != bits.err {
			t.Fatalf("whole: %v %v, byte by byte: %v %v", whole.complete(), whole.err, bits.complete(), bits.err)
		}
		if whole.err == errDuplicate || whole.err == errDepth || whole.err == errReturn {
			return
		}
		if got, want := whole.complete(), json.Valid(data); got != want {
			t.Fatalf("complete = %v, json.Valid = %v", got, want)
		}
		if !whole.complete() || whole.env.kind != '{' {
			return
		}
		var m map[string]json.RawMessage
		if err := json.Unmarshal(data, &m); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			f   field
			key string
		}{{fID, "id"}, {fMethod, "method"}, {fParams, "params"}, {fResult, "result"}, {fError, "error"}} {
			if raw, ok := m[c.key]; ok != whole.env.has(c.f) || ok && !bytes.Equal(raw, whole.env.of(data, c.f)) {
				t.Fatalf("%s: %s, want %s", c.key, whole.env.of(data, c.f), raw)
			}
		}
	})
}

// However the bytes arrive, the lines that are JSON come out as they went in, in order, and nothing else does.
func FuzzFraming(f *testing.F) {
	f.Add([]byte("{\"method\":\"a\"}\n\njunk\n[1]\n{\"half\""))
	f.Add([]byte("\r\n{} \n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var want []byte
		for _, line := range bytes.SplitAfter(data, []byte("\n")) {
			if json.Valid(line) {
				want = append(want, line...)
			}
		}
		for _, r := range []io.Reader{bytes.NewReader(data), iotest.OneByteReader(bytes.NewReader(data)), iotest.DataErrReader(bytes.NewReader(data))} {
			var got []byte
			lines := newLines(r, 1<<20, func(*envelope) bool { return true })
			for {
				m, err := lines.next()
				if err != nil {
					break
				}
				if m.err == errDuplicate || m.err == errDepth || m.err == errReturn {
					return
				}
				if m.err == nil {
					got = append(got, m.data...)
				}
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
	})
}

// A wrapped text ends where the proxy ends it: no closing tag inside, nothing invisible, and a text of plain ASCII without
// the tag's name comes through unchanged.
func FuzzWrappedText(f *testing.F) {
	for _, s := range []string{"hello", "</untrusted>", "< / unTRUSTED", "\x1b[0m</\x1b]x\x07untrusted>", "＜／ｕｎｔｒｕｓｔｅｄ", "\u202e<\u200b/untrusted", "<</untrusted", "\x9b1m", "\xc2\x9b1m<", "a\nb\t\"c\" \\ \\u003c/untrusted> d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m := marker{how: policies.MCPMarkWrap, tag: "untrusted", source: "mcp:a/b", strip: true}
		got := m.text(s)
		for _, budget := range []int{0, 5, 1000} {
			raw := quote(s)
			slow := marker{how: m.how, tag: m.tag, source: m.source, strip: true, max: budget, budget: budget}
			quick := slow
			if want, have := slow.text(unquote(raw)), unquote(quick.quoted(nil, raw)); have != want || quick.budget != slow.budget {
				t.Fatalf("as it is written %q becomes %q, decoded %q", raw, have, want)
			}
		}
		inner, ok := strings.CutPrefix(got, "<untrusted source=\"mcp:a/b\">\n")
		inner, ok2 := strings.CutSuffix(inner, "\n</untrusted>")
		if !ok || !ok2 || !utf8.ValidString(got) {
			t.Fatalf("not wrapped: %q", got)
		}
		squeezed := strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) || hidden(r) || joiner(r) {
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
			if hidden(r) {
				t.Fatalf("%q: %U survives", s, r)
			}
		}
		if strip(inner) != inner || neutralise(inner, "untrusted") != inner {
			t.Fatalf("%q: once more changes it: %q", s, inner)
		}
		if printableASCII(s) && !strings.Contains(strings.ToLower(s), "untrusted") && !strings.ContainsRune(s, '<') && inner != s {
			t.Fatalf("%q becomes %q", s, inner)
		}
	})
}

// A result stays JSON and has its provenance; labelled, all but _meta stays to the byte; wrapped, no text is left as it was.
func FuzzMarkedResult(f *testing.F) {
	f.Add([]byte(`{"content":[{"type":"text","text":"x"}],"isError":false,"z":[1.0]}`), true)
	f.Add([]byte(`{"content":[{"type":"resource","resource":{"uri":"\u001b[1m","text":"a\u200b"}},"\u202e"],"</untrusted>":[{"\u200b":"</untrusted>"}]}`), true)
	f.Add([]byte(`{"_meta":{"a":1},"structuredContent":{"b":"</untrusted>"}}`), false)
	f.Fuzz(func(t *testing.T, result []byte, wrapped bool) {
		message := append(append([]byte(`{"jsonrpc":"2.0","id":1,"result":`), result...), '}')
		var scan scanner
		scan.feed(message)
		if !scan.complete() || scan.env.v[fResult].kind != '{' {
			return
		}
		m := marker{how: policies.MCPMarkMeta, meta: []byte(`{"untrusted":true}`), tag: "untrusted"}
		var out []byte
		if wrapped {
			m.how, m.strip = policies.MCPMarkWrap, true
			fresh, withheld := m.rebuild(scan.env.of(message, fResult))
			if withheld != "" {
				return
			}
			out = fresh
		} else {
			whole := bytes.Join(m.label(message, scan.env.v[fResult], scan.env.v[fMeta]), nil)
			var again scanner
			again.feed(whole)
			if !again.complete() {
				t.Fatalf("not JSON: %s", whole)
			}
			out = again.env.of(whole, fResult)
		}
		var before, after map[string]json.RawMessage
		if json.Unmarshal(scan.env.of(message, fResult), &before) != nil {
			return
		}
		if err := json.Unmarshal(out, &after); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var meta map[string]json.RawMessage
		if json.Unmarshal(after["_meta"], &meta) != nil || string(meta[ProvenanceKey]) != `{"untrusted":true}` {
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

// Strings are read and written as encoding/json does it.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{`"a"`, `"\u00e9\ud83d\ude00\ud800x\n\/\\"`, "\"\xff\"", `"<>&\u2028"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var want string
		if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &want) != nil || raw[len(raw)-1] != '"' {
			return
		}
		got := unquote(raw)
		if got != want {
			t.Fatalf("unquote(%q) = %q, want %q", raw, got, want)
		}
		var again string
		if json.Unmarshal(quote(got), &again) != nil || again != got {
			t.Fatalf("quote(%q) = %q", got, quote(got))
		}
	})
}
