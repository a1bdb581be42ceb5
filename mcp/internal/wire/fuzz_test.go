package wire

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
	"testing/iotest"
)

// The scanner accepts what encoding/json accepts, as a whole and byte by byte. In addition it
// refuses duplicate fields and a carriage return in the middle.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{`{"jsonrpc":"2.0","id":1,"method":"x","params":{"name":"a","arguments":{}}}`, `[1,2.5e-3,"a\u00e9",null,true]`, `{"result":{"content":[]},"id":"7"}`,
		`-`, `01`, `1.`, `"\x"`, `{"a":}`, `[1,]`, `nul`, ` {} `, `{}{}`, "\"\x1f\"",
		`{"id":1,"id":2}`, `{"i\u0064":1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var whole, bits Scanner
		whole.Feed(data)
		for i := range data {
			bits.Feed(data[i : i+1])
		}
		if whole.Complete() != bits.Complete() || whole.Err != bits.Err {
			t.Fatalf("whole: %v %v, byte by byte: %v %v", whole.Complete(), whole.Err,
				bits.Complete(), bits.Err)
		}
		if whole.Err == errDuplicate || whole.Err == errDepth || whole.Err == errCarriageReturn {
			return
		}
		if got, want := whole.Complete(), json.Valid(data); got != want {
			t.Fatalf("complete = %v, json.Valid = %v", got, want)
		}
		if !whole.Complete() || whole.Env.Kind != '{' {
			return
		}
		var m map[string]json.RawMessage
		if err := json.Unmarshal(data, &m); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			f   Field
			key string
		}{{FieldID, "id"}, {FieldMethod, "method"}, {FieldParams, "params"},
			{FieldResult, "result"}, {FieldError, "error"}} {
			if raw, ok := m[c.key]; ok != whole.Env.Has(c.f) || ok &&
				!bytes.Equal(raw, whole.Env.Raw(data, c.f)) {
				t.Fatalf("%s: %s, want %s", c.key, whole.Env.Raw(data, c.f), raw)
			}
		}
	})
}

// However the bytes arrive, the reader returns the lines that are JSON, unchanged and in order, and
// no others.
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
		for _, r := range []io.Reader{bytes.NewReader(data),
			iotest.OneByteReader(bytes.NewReader(data)),
			iotest.DataErrReader(bytes.NewReader(data))} {
			var got []byte
			lines := NewMessageReader(r, 1<<20, func(*Envelope) bool { return true })
			for {
				m, err := lines.Next()
				if err != nil {
					break
				}
				if m.Err == errDuplicate || m.Err == errDepth || m.Err == errCarriageReturn {
					return
				}
				if m.Err == nil {
					got = append(got, m.Data...)
				}
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
	})
}

// Strings are read and written as encoding/json does it.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{`"a"`, `"\u00e9\ud83d\ude00\ud800x\n\/\\"`, "\"\xff\"",
		`"<>&\u2028"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var want string
		if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &want) != nil ||
			raw[len(raw)-1] != '"' {
			return
		}
		got := Unquote(raw)
		if got != want {
			t.Fatalf("unquote(%q) = %q, want %q", raw, got, want)
		}
		var again string
		if json.Unmarshal(Quote(got), &again) != nil || again != got {
			t.Fatalf("quote(%q) = %q", got, Quote(got))
		}
	})
}

// The cursor over valid JSON finds the members and elements that encoding/json finds.
func FuzzWalk(f *testing.F) {
	for _, s := range []string{`{"a":1,"b":{"c":[1,"]"]},"d":"\\"}`,
		` [ {} , [] , "x\"" , -1.5e3 ] `, `{"a" : null,"\u0062":true}`, `{}`, `[1]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if env, err := Scan(data); err != nil || !json.Valid(data) || env.Kind != '{' &&
			env.Kind != '[' {
			return
		}
		at := SkipSpace(data, 0)
		var keys []string
		var values []json.RawMessage
		Walk(data, at, func(key []byte, from, to int) {
			if key != nil {
				keys = append(keys, Unquote(key))
			}
			values = append(values, data[from:to])
		})
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		if _, err := dec.Token(); err != nil {
			return
		}
		for n := 0; dec.More(); n++ {
			if data[at] == '{' {
				key, err := dec.Token()
				if err != nil {
					return
				}
				if n >= len(keys) || keys[n] != key {
					t.Fatalf("member %d: %q, want %q", n, keys, key)
				}
			}
			var want json.RawMessage
			if err := dec.Decode(&want); err != nil {
				return
			}
			if n >= len(values) || !bytes.Equal(values[n], want) {
				t.Fatalf("value %d of %s: %s, want %s", n, data, values, want)
			}
		}
		var names map[string]any
		if json.Unmarshal(data, &names) == nil && len(names) < len(keys) &&
			!HasNestedDuplicate(data, false) {
			t.Fatalf("%s: a member is there twice", data)
		}
	})
}
