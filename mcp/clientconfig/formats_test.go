package clientconfig

import (
	"slices"
	"strings"
	"testing"
)

// In every format, a file is wrapped, wrapped again, and restored byte for byte. line is the
// command line that the client starts.
func TestEveryClientsFormatThereAndBack(t *testing.T) {
	for _, c := range []struct {
		name   string
		format Format
		in     string
		want   string // a part of the result
		line   []string
	}{
		{"codex", TOML,
			"# mine\nmodel = \"x\"\n\n[mcp_servers.notes] # büro\ncommand = \"npx\" # c\n" +
				"args = [\n  \"-y\", # yes\n  'notes',\n]\nenv_vars = [\"A\"]\n\n" +
				"[mcp_servers.notes.env]\nTOKEN = \"s\"\n\n[tui]\nx = 1\n",
			"args = [\n  \"mcp\",\n  \"--policy\",", []string{"npx", "-y", "notes"}},
		{"codex without args", TOML, "[mcp_servers.notes]\n  command = 'my-server'\n",
			"\n  args = [\"mcp\", ", []string{"my-server"}},
		{"codex without args, at the start", TOML,
			"mcp_servers.n = {command = 'x', env = {A = '1'}}",
			", args = [\"mcp\", ", []string{"x"}},
		{"codex inline", TOML, "[mcp_servers]\nnotes = { command = \"x\", args = [] }\r\n",
			"args = [\"mcp\", ", []string{"x"}},
		{"goose", YAML, "# mine öäü\nextensions:\n  dev:\n    type: builtin\n    name: dev\n" +
			"  memory:   # büro\n    type: stdio\n    cmd: npx\n    args:\n      - -y   # yes\n" +
			"      - \"@acme/notes\"\n    env_keys: [KEY]\n    envs:\n      TOKEN: s\n",
			"    args:\n      - \"mcp\"\n      - \"--policy\"\n", []string{"npx", "-y",
				"@acme/notes"}},
		{"goose, flow", YAML,
			"extensions:\n  a: {type: stdio, cmd: uv-server, args: [a, \"b ö\"]}\n",
			"args: [\"mcp\", ", []string{"uv-server", "a", "b ö"}},
		{"continue", YAML, "name: x\r\nmcpServers:\r\n  - name: notes\r\n    command: node\r\n" +
			"    args:\r\n    - /a/b.js\r\n  - name: far\r\n    url: https://x\r\n",
			"    args:\r\n    - \"mcp\"\r\n    - ", []string{"node", "/a/b.js"}},
		{"continue without args", YAML, "mcpServers:\n  - command: 'it''s'\n    name: n\n",
			"\n    args: [\"mcp\", ", []string{"it's"}},
		{"zed", JSON, `{"context_servers": {"a": {"source": "custom", "command": "x", "env": {}}}}`,
			`"args": ["mcp", `, []string{"x"}},
		{"zed, older", JSON,
			`{"context_servers": {"a": {"command": {"path": "x", "args": ["y"], "env": {"K": "v"}}}}}`,
			`"path": "/usr/bin/mcpbox", "args": ["mcp", `, []string{"x", "y"}},
		{"opencode", JSON,
			`{"mcp": {"a": {"type": "local", "command": ["npx", "-y", "n"], "environment": {"K": "v"}},` +
				` "b": {"type": "remote", "url": "https://x"}}}`,
			`"command": ["/usr/bin/mcpbox", "mcp", `, []string{"npx", "-y", "n"}},
		{"amp", JSON, `{"amp.mcpServers": {"a": {"command": "x"}}}`, `"args": ["mcp", `,
			[]string{"x"}},
		{"copilot", JSON,
			`{"mcpServers": {"a": {"type": "local", "command": "x", "tools": ["*"]}}}`,
			`"args": ["mcp", `, []string{"x"}},
		{"vscode with inputs", JSON, `{"inputs": [{"id": "t", "type": "promptString"}], ` +
			`"servers": {"a": {"command": "x", "env": {"T": "${input:t}"}}}}`,
			`"--env=T", "--", "x"]`, []string{"x"}},
		{"nulls", JSON, `{"mcpServers": {"a": {"command": "x", "args": null, "env": null, "url": null},` +
			` "b": {"command": null, "url": "https://x"}}}`,
			`"args": ["mcp", `, []string{"x"}},
		{"a null in YAML", YAML, "mcpServers:\n  - name: a\n    command: x\n    args: null\n",
			"    args: [\"mcp\", ", []string{"x"}},
		{"no value in YAML", YAML, "mcpServers:\n  - name: a\n    args:\n    command: x\n",
			"    args: [\"mcp\", ", []string{"x"}},
		{"one string", JSON, `{"mcpServers": {"a": {"command": "npx -y 'a b' c\"d\""}}}`,
			`"--", "npx", "-y", "a b", "cd"]`, []string{"npx", "-y", "a b", "cd"}},
		{"one string and args", JSON, `{"mcpServers": {"a": {"command": "npx -y", "args": ["n"]}}}`,
			`"--", "npx", "-y", "n"]`, []string{"npx", "-y", "n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options
			o.Format = c.format
			out, servers, err := Wrap([]byte(c.in), o)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(out), c.want) {
				t.Errorf("no %q in\n%s", c.want, out)
			}
			list, err := entries(out, c.format)
			if err != nil {
				t.Fatalf("%v in\n%s", err, out)
			}
			found := false
			for i, e := range list {
				s, _, err := e.stdio(out)
				if err != nil || s == nil {
					continue
				}
				found = true
				at := slices.Index(s.line(), "--")
				if s.line()[0] != options.Binary || !slices.Equal(s.line()[at+1:], c.line) ||
					servers[i].Action != Wrapped {
					t.Errorf("%s: %q, %+v", e.name, s.line(), servers[i])
				}
			}
			if !found {
				t.Error("no server")
			}
			again, _, err := Wrap(out, o)
			if err != nil || string(again) != string(out) {
				t.Errorf("twice: %v\n%s", err, again)
			}
			back, _, err := Unwrap(out, []byte(c.in), o)
			if err != nil || string(back) != c.in {
				t.Errorf("back: %v\n%s", err, back)
			}
			// Without a backup it starts the same program again.
			back, _, err = Unwrap(out, nil, o)
			if err != nil {
				t.Fatal(err)
			}
			list, err = entries(back, c.format)
			if err != nil {
				t.Fatalf("%v in\n%s", err, back)
			}
			for _, e := range list {
				if s, _, err := e.stdio(back); err != nil || s != nil &&
					!slices.Equal(s.line(), c.line) {
					t.Errorf("without the backup: %v\n%s", err, back)
				}
			}
		})
	}
}

func TestVariablesAreReadWhereEachClientKeepsThem(t *testing.T) {
	var got Request
	o := Options{Binary: "mcpbox", Format: TOML, Decide: func(r Request) Decision {
		got = r
		return Decision{Flags: []string{"--mount", "/x"}, Notes: []string{"hm"}}
	}}
	in := "[mcp_servers.n]\ncommand = 'x'\ncwd = '/x'\nenv = {A = '1'}\nenv_vars = ['B']\n"
	out, servers, err := Wrap([]byte(in), o)
	if err != nil || got.Env["A"] != "1" || got.Dir != "/x" || len(servers[0].Notes) != 1 ||
		!strings.Contains(string(out), `"--mount", "/x", "--name=n", "--env=A", "--env=B", "--"`) {
		t.Errorf("%v, %+v\n%s", err, got, out)
	}
	o.Format = YAML
	in = "extensions:\n  g:\n    type: stdio\n    cmd: x\n    args: []\n    env_keys:\n    - KEY\n"
	if _, _, err := Wrap([]byte(in), o); err != nil || !slices.Equal(got.Asked, []string{"KEY"}) {
		t.Errorf("%v, %+v", err, got)
	}
}

func TestShellCommandLinesStayUnchanged(t *testing.T) {
	for _, line := range []string{"npx $X", "a | b", "a && b", "cd x; y", "a 'b", "a `b`", "a \"$b\"",
		"~/x y", "a *.js"} {
		in := `{"mcpServers": {"a": {"command": ` + quote(line) + `}}}`
		out, servers, err := Wrap([]byte(in), options)
		if err != nil || string(out) != in || !strings.Contains(servers[0].Why,
			"a command line for a shell") {
			t.Errorf("%s: %v %+v\n%s", line, err, servers, out)
		}
	}
}

// If an edit would change the meaning of the text, it is an error, and nothing is written.
func TestWhatCannotBeEditedInPlaceIsAnError(t *testing.T) {
	for in, f := range map[string]Format{
		"mcp_servers.n.command = 'x'\n": TOML,
	} {
		o := options
		o.Format = f
		if _, _, err := Wrap([]byte(in), o); err == nil ||
			!strings.Contains(err.Error(), "1:13: it can't be edited in place") {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func TestSyntaxErrorsHaveTheirPositionInEveryFormat(t *testing.T) {
	for in, c := range map[string]struct {
		format Format
		want   string
	}{
		"[mcp_servers.a]\ncommand = x\n":          {TOML, "2:11: "},
		"[mcp_servers.a]\ncommand = \"x\n":        {TOML, "2:13: "},
		"[a]\nb = 1\n[a.b]\nc = 2\n":              {TOML, `3:4: "b" occurs twice`},
		"a = 1\n":                                 {TOML, "1:1: there is neither"},
		"extensions:\n\tx: y\n":                   {YAML, "2:1: "},
		"mcpServers:\n- name: a\n  command: [x\n": {YAML, "3:"},
		"a: 1\n": {YAML, "1:1: there is neither"},
		"mcpServers:\n- name: a\n  command: 12\n": {YAML,
			"3:12: the command of the server \"a\" is not a text"},
		"": {YAML, "1:1: expected an object"},
		"mcpServers: {}\n---\nmcpServers: {}\n": {YAML,
			"1:15: the text has more than one document"},
		"mcpServers:\n- name: a\n  command: x\n  args: 1\n": {YAML,
			"4:9: the args of the server \"a\" are not a list of texts"},
	} {
		o := options
		o.Format = c.format
		if _, _, err := Wrap([]byte(in), o); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q\n  got  %v\n  want %s", in, err, c.want)
		}
	}
	if _, err := FormatOf("/x/servers.ini", []byte("[a]")); err == nil ||
		!strings.Contains(err.Error(), "the format .ini is not supported") {
		t.Error(err)
	}
}
