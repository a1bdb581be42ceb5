package clientconfig

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

var options = Options{Binary: "/usr/bin/mcpbox", Flags: []string{"--policy", "strict"}}

func TestWrapEditsTheCommandAndTheArgsOnly(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"one line", `{"mcpServers":{"a":{"command":"node","args":["s.js","-v"]}}}`,
			`{"mcpServers":{"a":{"command":"/usr/bin/mcpbox","args":["mcp", "--policy", "strict", "--name=a", "--", "node", "s.js","-v"]}}}`},
		{"no args", `{"mcpServers":{"a":{"command":"node"}}}`,
			`{"mcpServers":{"a":{"command":"/usr/bin/mcpbox", "args": ["mcp", "--policy", "strict", "--name=a", "--", "node"]}}}`},
		{"empty args", `{"servers":{"a":{"args":[],"command":"node"}}}`,
			`{"servers":{"a":{"args":["mcp", "--policy", "strict", "--name=a", "--", "node"],"command":"/usr/bin/mcpbox"}}}`},
		{"variables by name",
			`{"mcpServers":{"a":{"command":"node","args":["s.js"],"env":{"TOKEN":"secret"}}}}`,
			`{"mcpServers":{"a":{"command":"/usr/bin/mcpbox","args":["mcp", "--policy", "strict", "--name=a", "--env=TOKEN", "--", "node", "s.js"],"env":{"TOKEN":"secret"}}}}`},
		{"comments, trailing commas, CRLF, one argument a line",
			"{\r\n  // mine\r\n  \"servers\": {\r\n    \"a\": {\r\n      \"command\": " +
				"\"n\\u00f6de\", // why\r\n      \"args\": [\r\n        \"s.js\", /* last */\r\n " +
				"     ],\r\n    },\r\n  },\r\n}\r\n",
			"{\r\n  // mine\r\n  \"servers\": {\r\n    \"a\": {\r\n      \"command\": " +
				"\"/usr/bin/mcpbox\", // why\r\n      \"args\": [\r\n        \"mcp\",\r\n        " +
				"\"--policy\",\r\n        \"strict\",\r\n        \"--name=a\",\r\n        " +
				"\"--\",\r\n        \"n\\u00f6de\",\r\n        \"s.js\", /* last */\r\n  " +
				"    ],\r\n    },\r\n  },\r\n}\r\n"},
		{"args of their own line", "{\"mcpServers\": {\"a\": {\n\t\"command\": " +
			"\"node\",\n\t\"cwd\": \"/x\"}}}",
			"{\"mcpServers\": {\"a\": {\n\t\"command\": \"/usr/bin/mcpbox\",\n\t\"args\": " +
				"[\"mcp\", \"--policy\", \"strict\", \"--name=a\", \"--\", " +
				"\"node\"],\n\t\"cwd\": \"/x\"}}}"},
		{"settings and projects",
			`{"mcp":{"servers":{"a":{"command":"x"}}},"projects":{"/p":{"mcpServers":{"b":{"command":"y"}}}}}`,
			`{"mcp":{"servers":{"a":{"command":"/usr/bin/mcpbox", "args": ["mcp", "--policy", "strict", "--name=a", "--", "x"]}}},"projects":{"/p":{"mcpServers":{"b":{"command":"/usr/bin/mcpbox", "args": ["mcp", "--policy", "strict", "--name=b", "--", "y"]}}}}}`},
		{"a byte order mark", "\ufeff{\"mcpServers\":{}}", "\ufeff{\"mcpServers\":{}}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, _, err := Wrap([]byte(c.in), options)
			if err != nil {
				t.Fatal(err)
			}
			if string(out) != c.want {
				t.Fatalf("got\n%s\nwant\n%s", out, c.want)
			}
			again, _, err := Wrap(out, options)
			if err != nil || string(again) != c.want {
				t.Errorf("wrapped twice: %v\n%s", err, again)
			}
			back, _, err := Unwrap(out, []byte(c.in), options)
			if err != nil || string(back) != c.in {
				t.Errorf("unwrapped: %v\n%s", err, back)
			}
		})
	}
}

func TestRemoteServersStayUnchangedAndAreReported(t *testing.T) {
	in := `{"mcpServers": {
  "linear": {"type": "http", "url": "https://mcp.example.com"},
  "old": {"url": "https://sse.example.com/sse"},
  "odd": {"note": "to do"},
  "local": {"type": "stdio", "command": "node"}
}}`
	_, servers, err := Wrap([]byte(in), options)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range servers {
		got = append(got, s.Name+": "+string(s.Action)+": "+s.Why)
	}
	want := []string{"linear: left alone: it is a remote server",
		"old: left alone: it is a remote server",
		"odd: left alone: it has no command", "local: wrapped: "}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestBadConfigurationsAreReportedWithTheirPosition(t *testing.T) {
	for in, want := range map[string]string{
		"{\n  \"mcpServers\": {\n    \"a\": {\"command\": \"x\" \"args\": []}\n  " +
			"}\n}": `3:26: invalid character '"' after object value (expecting ',' or '}')`,
		`{"mcpServers": {"a": {"command": "x"}`:                   `1:38: parsing object after value: unexpected EOF`,
		`{"mcpServers": {"a": {"command": "x}}}`:                  `1:39: parsing string: unexpected EOF`,
		`{"mcpServers": {"a": {"command": ["x"]}}}`:               `1:34: the command of the server "a" is not a text`,
		`{"mcpServers": {"a": {"command": "x", "args": "y"}}}`:    `1:47: the args of the server "a" are not a list of texts`,
		`{"mcpServers": {"a": {"command": "x", "command": "y"}}}`: `1:39: "command" occurs twice`,
		`{"mcpServers": {"ä": {}, "ä": {}}}`:                      `1:26: "ä" occurs twice`,
		`{"mcpServers": []}`:                                      `1:16: mcpServers is not an object`,
		`{"theme": "dark"}`:                                       `1:1: there is neither mcpServers nor servers in the file`,
		`[]`:                                                      `1:1: expected an object with the servers, such as mcpServers`,
		``:                                                        `1:1: parsing value: unexpected EOF`,
		`{} x`:                                                    `1:4: invalid character 'x' after top-level value`,
		"{\"a\": \"\xff\"}":                                       `1:8: the text is not UTF-8`,
		`{"mcpServers": {"a": {"command": nul}}}`:                 `1:34: invalid literal: nul`,
		`{"a": /`:                                                 `1:7: invalid character '/' at start of value`,
		strings.Repeat("[",
			200_000): `1:1: the text has more than 100000 brackets`,
		`{"a": 1 /* `: `1:9: parsing comment: unexpected EOF`,
		`{a: 1}`:      `1:2: invalid literal: a`,
	} {
		_, _, err := Wrap([]byte(in), options)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || err.Error() != want {
			t.Errorf("%s\n  got  %v\n  want %s", in, err, want)
		}
	}
}

func TestUnwrapKeepsLaterEdits(t *testing.T) {
	in := "{\"mcpServers\": {\n  \"a\": {\"command\": \"node\", \"args\": [\"s.js\"]},\n  \"b\": " +
		"{\"command\": \"x\"},\n  \"c\": {\"command\": \"y\", \"args\": []}\n}}"
	out, _, err := Wrap([]byte(in), options)
	if err != nil {
		t.Fatal(err)
	}
	edited := string(out)
	for _, r := range [][2]string{
		{`"s.js"`, `"s.js", "--more"`}, // a further argument
		// a variable for one that had no args
		{`"x"]}`, `"x"], "env": {"K": "v"}}`},
		{`"--", "y"]`, `"--", "y", ]`},                          // a trailing comma
		{"\n}}", ",\n  \"d\": {\"command\": \"new\"} // !\n}}"}, // a server
	} {
		if !strings.Contains(edited, r[0]) {
			t.Fatalf("%s has no %s", edited, r[0])
		}
		edited = strings.Replace(edited, r[0], r[1], 1)
	}
	back, servers, err := Unwrap([]byte(edited), []byte(in), options)
	if err != nil {
		t.Fatal(err)
	}
	want := "{\"mcpServers\": {\n  \"a\": {\"command\": \"node\", \"args\": [\"s.js\", " +
		"\"--more\"]},\n  \"b\": {\"command\": \"x\", \"env\": {\"K\": \"v\"}},\n" +
		"  \"c\": {\"command\": \"y\", \"args\": [ ]},\n  \"d\": {\"command\": \"new\"} // !\n}}"
	if strings.Replace(string(back), "[]", "[ ]", 1) != want {
		t.Errorf("got\n%s\nwant\n%s", back, want)
	}
	if s := servers[3]; s.Action != Left || s.Why != "it is not wrapped" {
		t.Errorf("the new server: %+v", s)
	}
}

func TestUnwrapWithoutABackupRestoresTheCommandLine(t *testing.T) {
	in := `{"mcpServers": {"a": {"command": "node", "args": ["s.js"]}}}`
	out, _, err := Wrap([]byte(in), options)
	if err != nil {
		t.Fatal(err)
	}
	back, _, err := Unwrap(out, nil, options)
	if err != nil || string(back) != in {
		t.Errorf("%v %s", err, back)
	}
}

func TestAVariableAddedLaterIsPassedOnByTheNextWrap(t *testing.T) {
	in := `{"mcpServers":{"a":{"command":"mcpbox","args":["mcp","--policy=p","--env","A","--","node"],"env":{"A":"1","B":"2"}}}}`
	out, servers, err := Wrap([]byte(in), options)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"mcpServers":{"a":{"command":"mcpbox","args":["mcp","--policy=p","--env","A","--env=B", "--","node"],"env":{"A":"1","B":"2"}}}}`
	if string(out) != want || servers[0].Action != Updated {
		t.Errorf("%s: %s", servers[0].Action, out)
	}
	back, _, err := Unwrap(out, []byte(in), options)
	if err != nil || string(back) != in {
		t.Errorf("unwrapped: %v %s", err, back)
	}
}

func TestServersAreChosenByName(t *testing.T) {
	in := `{"mcpServers":{"a":{"command":"x"},"b":{"command":"y"}}}`
	o := options
	o.Servers = []string{"b"}
	out, servers, err := Wrap([]byte(in), o)
	if err != nil || len(servers) != 1 || !strings.Contains(string(out), `"a":{"command":"x"}`) ||
		strings.Contains(string(out), `"command":"y"`) {
		t.Errorf("%v %v %s", err, servers, out)
	}
	o.Servers = []string{"c"}
	if _, _, err := Wrap([]byte(in), o); err == nil ||
		!strings.Contains(err.Error(), `no server called "c"`) {
		t.Errorf("unknown server: %v", err)
	}
}

// The client looks for the command in the PATH that the entry sets, so a bare name could mean
// another program.
func TestAPathInTheFileDoesNotLeadToAnotherMcpbox(t *testing.T) {
	o := Options{Binary: "mcpbox", Path: "/usr/local/bin/mcpbox"}
	data := []byte(`{"mcpServers": {"a": {"command": "node", "env": {"PATH": "./evil"}}, "b": {"command": "node"}}}`)
	out, _, err := Wrap(data, o)
	if want := `{"mcpServers": {"a": {"command": "/usr/local/bin/mcpbox", "args": ["mcp", "--name=a", "--env=PATH", "--", "node"], "env": {"PATH": "./evil"}}, "b": {"command": "mcpbox", "args": ["mcp", "--name=b", "--", "node"]}}}`; err != nil || string(out) != want {
		t.Fatalf("%v\n%s\nwant\n%s", err, out, want)
	}
	if back, _, err := Unwrap(out, data, o); err != nil || string(back) != string(data) {
		t.Errorf("and back: %v\n%s", err, back)
	}
}

// An entry that only looks wrapped, or is wrapped with other flags, is reported with its command
// line.
func TestServersUnderAnotherWrapperAreShown(t *testing.T) {
	o := Options{Binary: "mcpbox", Flags: []string{"--policy", "standard"}}
	for before, want := range map[string]string{
		`"mcpbox", "args": ["mcp", "--policy", "standard", "--name=notes", "--", "node"]`:        "it is already wrapped",
		`"mcpbox", "args": ["mcp", "--policy", "none", "--name=notes", "--", "node"]`:            "it already runs under: mcpbox mcp --policy none --name=notes",
		`"./evil/mcpbox", "args": ["mcp", "--policy", "standard", "--name=notes", "--", "node"]`: "it already runs under: ./evil/mcpbox mcp --policy standard --name=notes",
	} {
		data := []byte(`{"mcpServers": {"notes": {"command": ` + before + `}}}`)
		out, servers, err := Wrap(data, o)
		if err != nil || string(out) != string(data) || len(servers) != 1 ||
			servers[0].Why != want {
			t.Errorf("%s: %v, %+v", before, err, servers)
		}
	}
}
