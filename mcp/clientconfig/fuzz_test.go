package clientconfig

import (
	"bytes"
	"slices"
	"testing"
)

func FuzzWrapThereAndBack(f *testing.F) {
	for _, seed := range []string{
		`{"mcpServers":{"a":{"command":"node","args":["s.js"],"env":{"A":"b","--":"c"}}}}`,
		"{\n // x\n \"servers\": {\n  \"a\": {\n   \"command\": \"n\",\n   \"args\": [\n    " +
			"\"b\", // c\n   ],\n  },\n },\n}",
		`{"mcp":{"servers":{"a":{"command":"x"}}},"projects":{"/p":{"mcpServers":{"b":{"args":[],"command":"y"}}}}}`,
		`{"mcpServers":{"a":{"command":"mcpbox","args":["mcp","--policy","p","--","node"],"env":{"K":"v"}}}}`,
		`{"mcpServers":{"a":{"command":"mcpbox","args":["mcp","--","--"]},"b":{"command":"--","args":["--"]}}}`,
		`{"mcpServers":{"a":{"args":[/* none */],"command":"\u0041\/"}, "u":{"url":"https://e"}}}`,
		`{"mcpServers":{"a":{"args":["x"]/**/,/**/"command"/**/:/**/"y"}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		out, servers, err := Wrap(in, options)
		if err != nil {
			return
		}
		back, _, err := Unwrap(out, in, options)
		if err != nil || !bytes.Equal(back, in) {
			t.Fatalf("there and back: %v\n%q\n%q\n%q", err, in, out, back)
		}
		again, _, err := Wrap(out, options)
		if err != nil || !bytes.Equal(again, out) {
			t.Fatalf("twice: %v\n%q\n%q", err, out, again)
		}
		was, err := entries(in, JSON)
		if err != nil {
			t.Fatal(err)
		}
		is, err := entries(out, JSON)
		if err != nil || len(is) != len(was) || len(servers) != len(was) {
			t.Fatalf("%v: %d servers became %d", err, len(was), len(is))
		}
		if outside(in, was) != outside(out, is) {
			t.Fatalf("outside of the servers\n%q\n%q", in, out)
		}
		for i := range was {
			if others(in, was[i].body) != others(out, is[i].body) {
				t.Fatalf("another member of %q\n%q\n%q", was[i].name, in, out)
			}
			s, _, _ := is[i].stdio(out)
			if s == nil {
				continue
			}
			if !slices.Equal(s.line(), servers[i].After) {
				t.Fatalf("%q is said to be %q", s.line(), servers[i].After)
			}
			if servers[i].Action == Wrapped &&
				!slices.Equal(s.line()[s.separator(options.Binary)+2:], servers[i].Before) {
				t.Fatalf("%q is not at the end of %q", servers[i].Before, s.line())
			}
		}
	})
}

// outside is the text without the bodies of the servers.
func outside(data []byte, list []entry) string {
	var b bytes.Buffer
	from := 0
	for _, e := range list {
		b.Write(data[from:e.body.start])
		from = e.body.end
	}
	b.Write(data[from:])
	return b.String()
}

// others is every member of a server besides the two that Wrap may edit.
func others(data []byte, body *node) string {
	var b bytes.Buffer
	for _, m := range body.members {
		if m.key != "command" && m.key != "args" {
			b.Write(data[m.keyStart:m.value.end])
		}
	}
	return b.String()
}

// TOML and YAML: what is wrapped becomes what it was, to the byte.
func FuzzOtherFormats(f *testing.F) {
	f.Add([]byte("[mcp_servers.a]\ncommand = 'x'\nargs = [\n 'y', # z\n]\n"), true)
	f.Add([]byte("mcp_servers = {a = {command = \"x\", env = {A = '1'}}}"), true)
	f.Add([]byte("[[mcp_servers.a]]\ncommand = '''x'''\n[mcp_servers.b]\n\"command\" = 'y'"), true)
	f.Add([]byte("extensions:\n  a:\n    type: stdio\n    cmd: x\n    args:\n    - y # z\n"), false)
	f.Add([]byte("mcpServers:\n- name: a\n  command: x\n- {name: b, command: y, args: "+
		"[]}\n"), false)
	f.Add([]byte("mcpServers:\n  a: &x {command: \"ö\"}\n  b: *x\n"), false)
	f.Fuzz(func(t *testing.T, in []byte, toml bool) {
		o := options
		if o.Format = YAML; toml {
			o.Format = TOML
		}
		out, _, err := Wrap(in, o)
		if err != nil {
			return
		}
		back, _, err := Unwrap(out, in, o)
		if err != nil || !bytes.Equal(back, in) {
			t.Fatalf("there and back: %v\n%q\n%q\n%q", err, in, out, back)
		}
	})
}
