package access

import (
	"strings"
	"testing"
)

func set(t *testing.T, list ...Rule) *Set {
	t.Helper()
	s, err := NewSet(list)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func tool(server, name string) Item {
	return Item{Server: server, Version: "1.4.0", Kind: KindTool, Name: name}
}

func TestEachLayerMustLetACallThrough(t *testing.T) {
	read := Rule{Layer: LayerTool, Server: "notes", Match: "read_*", Effect: Allow}
	digest := digestPrefix + strings.Repeat("ab", 32)
	launch := &Server{Name: "notes", Command: []string{"/usr/bin/node", "server.js"},
		Digest: strings.Repeat("ab", 32)}
	for _, c := range []struct {
		name   string
		rules  []Rule
		launch *Server
		item   Item
		layer  Layer // that refuses; "": allowed
	}{
		{"nothing is allowed by nobody", nil, nil, tool("notes", "read_note"), LayerTool},
		{"a glob", []Rule{read}, nil, tool("notes", "read_note"), ""},
		{"another tool", []Rule{read}, nil, tool("notes", "write_note"), LayerTool},
		{"another server's tool", []Rule{read}, nil, tool("mail", "read_note"), LayerTool},
		{"a resource is no tool", []Rule{read}, nil,
			Item{Server: "notes", Kind: KindResource, Name: "read_note"}, LayerResource},
		{"deny wins", []Rule{read, {Layer: LayerTool, Match: "read_secret", Effect: Deny}}, nil,
			tool("notes", "read_secret"), LayerTool},
		{"off", []Rule{read, {Layer: LayerGlobal, Effect: Deny}}, nil, tool("notes", "read_note"),
			LayerGlobal},
		{"off for another server", []Rule{read, {Layer: LayerGlobal, Server: "mail", Effect: Deny}},
			nil, tool("notes", "read_note"), ""},
		{"on says nothing of tools", []Rule{{Layer: LayerGlobal, Effect: Allow}}, nil,
			tool("notes", "read_note"), LayerTool},
		{"the server is named", []Rule{read, {Layer: LayerServer, Match: "notes", Effect: Allow}},
			nil, tool("notes", "read_note"), ""},
		{"another server is named", []Rule{read,
			{Layer: LayerServer, Match: "mail", Effect: Allow}}, nil, tool("notes",
			"read_note"), LayerServer},
		{"the digest is right", []Rule{read, {Layer: LayerServer, Match: digest, Effect: Allow}},
			launch, tool("notes", "read_note"), ""},
		{"the digest is unknown", []Rule{read, {Layer: LayerServer, Match: digest, Effect: Allow}},
			nil, tool("notes", "read_note"), LayerServer},
		{"the digest is denied", []Rule{read, {Layer: LayerServer, Match: digest, Effect: Deny}},
			launch, tool("notes", "read_note"), LayerServer},
		{"a digest is denied, and this one unknown",
			[]Rule{read, {Layer: LayerServer, Match: digest, Effect: Deny}}, nil,
			tool("notes", "read_note"), LayerServer},
		{"another digest is denied", []Rule{read,
			{Layer: LayerServer, Match: digestPrefix + strings.Repeat("cd", 32),
				Effect: Deny}}, launch, tool("notes", "read_note"), ""},
		{"a command is denied, and this one unknown",
			[]Rule{read, {Layer: LayerServer, Match: "command:*", Effect: Deny}}, nil,
			tool("notes", "read_note"), LayerServer},
		{"the command is right", []Rule{read,
			{Layer: LayerServer, Match: "command:*/node server.js",
				Effect: Allow}}, launch, tool("notes", "read_note"), ""},
		{"the command is another", []Rule{read,
			{Layer: LayerServer, Match: "command:*/python *", Effect: Allow}}, launch, tool("notes",
			"read_note"), LayerServer},
		{"the version is in the range",
			[]Rule{read, {Layer: LayerVersion, Server: "notes", Match: ">=1.2 <2", Effect: Allow}},
			nil, tool("notes", "read_note"), ""},
		{"the version is outside", []Rule{read,
			{Layer: LayerVersion, Server: "notes", Match: "^2", Effect: Allow}}, nil, tool("notes",
			"read_note"), LayerVersion},
		{"the version is denied", []Rule{read,
			{Layer: LayerVersion, Match: "<=1.4.0", Effect: Deny}}, nil, tool("notes",
			"read_note"), LayerVersion},
		{"a version of another server",
			[]Rule{read, {Layer: LayerVersion, Server: "mail", Match: "^2", Effect: Allow}}, nil,
			tool("notes", "read_note"), ""},
		{"no version said", []Rule{read, {Layer: LayerVersion, Match: "^1", Effect: Allow}}, nil,
			Item{Server: "notes", Kind: KindTool, Name: "read_note"}, LayerVersion},
		{"no version, one is denied", []Rule{read,
			{Layer: LayerVersion, Match: "<1", Effect: Deny}}, nil, Item{Server: "notes",
			Kind: KindTool, Name: "read_note"}, LayerVersion},
		{"a URI with slashes", []Rule{{Layer: LayerResource, Match: "file:///work/*",
			Effect: Allow}}, nil, Item{Server: "notes", Kind: KindResource,
			Name: "file:///work/a/b"}, ""},
		{"a name with a star, quoted",
			[]Rule{{Layer: LayerTool, Match: EscapeGlob("a*[b]"), Effect: Allow}}, nil,
			tool("notes", "a*[b]"), ""},
		{"a quoted star is no glob", []Rule{{Layer: LayerTool, Match: EscapeGlob("a*"),
			Effect: Allow}}, nil, tool("notes", "ab"), LayerTool},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := set(t, c.rules...)
			if c.launch != nil {
				s = s.For(*c.launch)
			}
			v := s.Check(c.item)
			if v.Allowed != (c.layer == "") || v.Layer != c.layer || v.Allowed != (v.Reason == "") {
				t.Errorf("%+v; want it refused by %q", v, c.layer)
			}
		})
	}
}

func TestArgumentsMustSatisfyEveryRuleAboutThem(t *testing.T) {
	s := set(t,
		Rule{Layer: LayerParameter, Match: "read_*",
			Schema: []byte(
				`{"required": ["name"], "properties": {"name": {"pattern": "^[a-z]+$"}}}`,
			)},
		Rule{Layer: LayerParameter, Match: "read_note",
			Schema: []byte(`{"properties": {"name": {"maxLength": 5}}}`),
			Paths:  map[string][]string{"dir": {"/work"}}},
		Rule{Layer: LayerParameter, Server: "n*", Match: "read_note",
			Paths: map[string][]string{"dir": {"/work/notes", "/tmp"}}},
	)
	for args, allowed := range map[string]bool{
		`{"name": "abc"}`: true,
		`{"name": "abc", "dir": "/work/notes/today"}`: true,
		`{"name": "abc", "dir": ["/work/notes"]}`:     true,
		// only the proxy knows the server's folder
		`{"name": "abc", "dir": "today"}`:             true,
		`{"name": "abc", "dir": "/work/other"}`:       false,
		`{"name": "abc", "dir": "/tmp"}`:              false,
		`{"name": "abc", "dir": "../etc"}`:            false,
		`{"name": "abc", "dir": "/work/notes/../.."}`: false,
		`{"name": "abc", "dir": 7}`:                   false,
		`{"name": "ABC"}`:                             false,
		`{"name": "abcdef"}`:                          false,
		`{}`:                                          false,
		``:                                            false,
		`[]`:                                          false,
	} {
		if v := s.CheckArguments(tool("notes", "read_note"), NewArguments([]byte(args)),
			nil); v.Allowed != allowed {
			t.Errorf("%s: %+v", args, v)
		}
	}
	if v := s.CheckArguments(tool("notes", "other"), NewArguments(nil), nil); !v.Allowed {
		t.Errorf("a tool without rules: %+v", v)
	}
	if !s.HasParameters("notes", "read_note") || s.HasParameters("notes", "other") {
		t.Error("the rules are about another tool")
	}
}

func TestAnAllowlistWithoutRulesRefusesEverything(t *testing.T) {
	l := NewLive(nil)
	if v := l.Check(tool("notes", "read_note")); v.Allowed {
		t.Error("allowed before there are rules")
	}
	changed := l.Changed()
	l.Replace(set(t, Rule{Layer: LayerTool, Match: "*", Effect: Allow},
		Rule{Layer: LayerParameter, Match: "read_note",
			Schema: []byte(`{"required":["name"]}`)}), nil)
	<-changed
	if v := l.Check(tool("notes", "read_note")); !v.Allowed {
		t.Errorf("%+v", v)
	}
	if l.CheckArguments(tool("notes", "read_note"), NewArguments(nil), nil).Allowed ||
		!l.CheckArguments(tool("notes", "other"), NewArguments(nil), nil).Allowed {
		t.Error("the rules for arguments are on the wrong tool")
	}
	l.Replace(nil, ErrTest)
	if v := l.Check(tool("notes", "read_note")); v.Allowed ||
		!strings.Contains(v.Reason, ErrTest.Error()) {
		t.Errorf("with an error: %+v", v)
	}
}
