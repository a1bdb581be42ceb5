package proxy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/audit"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	"github.com/mcpbox/mcpbox/policies"
)

const threeTools = `[{"name":"read_note","description":"reads","inputSchema":{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}},` +
	`{"name":"write_note","inputSchema":{"type":"object"}},{"name":"admin/reset","inputSchema":{"type":"object"}}]`

func refusal1(id, say string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"result":{"content":[{"type":"text","text":` +
		string(wire.Quote(say)) + `}],"isError":true}}`
}

func callTool(id, name, args string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"method":"tools/call","params":{"name":"` + name +
		`","arguments":` + args + `}}`
}

func TestAToolThatIsNotAllowedDoesNotExist(t *testing.T) {
	var records bytes.Buffer
	rules := policies.MCP{Tools: policies.MCPNames{Allow: []string{"read_*", "admin/*"},
		Deny: []string{"*/reset"}}}
	b := start(t, Config{Rules: rules, Audit: audit.NewLog(&records)}, answers(threeTools, "hello"))
	b.say(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	if got := b.hear(); !strings.Contains(got, "read_note") ||
		strings.Contains(got, "write_note") || strings.Contains(got, "reset") ||
		!json.Valid([]byte(got)) {
		t.Errorf("tools/list: %s", got)
	}
	b.say(callTool("2", "write_note", "{}"))
	b.hears(refusal1("2", `The tool "write_note" is not available.`))
	b.say(callTool("3", "admin/reset", "{}"))
	b.hears(refusal1("3", `The tool "admin/reset" is not available.`))
	b.say(callTool("4", "read_note", `{"name":"a"}`))
	if got := b.hear(); !strings.Contains(got, `"text":"hello"`) {
		t.Errorf("an allowed tool: %s", got)
	}
	events := b.server(0).seen()
	if len(events) != 2 || events[0].Type != "permission_denied" || events[0].Rule != "mcp:tool" ||
		events[0].Call.Tool != "write_note" || events[0].Call.Request != "2" {
		t.Errorf("events: %+v", events)
	}
	var r audit.Record
	if err := json.Unmarshal(bytes.SplitN(records.Bytes(), []byte("\n"), 2)[0], &r); err != nil ||
		r.Decision != "refused" || r.Layer != "tool" || r.Tool != "write_note" {
		t.Errorf("audit: %+v, %v", r, err)
	}
}

func TestOtherSpellingsOfDeniedToolsAreRefused(t *testing.T) {
	rules := policies.MCP{Tools: policies.MCPNames{Deny: []string{"write_note"}}}
	b := start(t, Config{Rules: rules}, answers(threeTools, "hello"))
	for _, line := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"n\u0061me":"write_note"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools\/call","params":{"name":"wr\u0069te_note"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_note","Name":"write_note"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_note"},"Params":{"name":"write_note"}}`,
		`[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"write_note"}}]`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":["write_note"]}}`,
	} {
		b.say(line)
		if got := b.hear(); !strings.Contains(got, `"isError":true`) {
			t.Errorf("%s\n→ %s", line, got)
		}
	}
	for _, line := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_note","name":"write_note"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"write_note"}} trailing`,
	} {
		b.say(line)
		b.hears(`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}`)
	}
}

func TestModes(t *testing.T) {
	for mode, want := range map[policies.MCPMode]string{policies.MCPOpen: "hello",
		policies.MCPDeny: "not available", policies.MCPOff: "not available"} {
		b := start(t, Config{Rules: policies.MCP{Mode: mode}}, answers(threeTools, "hello"))
		b.say(callTool("1", "write_note", "{}"))
		if got := b.hear(); !strings.Contains(got, want) {
			t.Errorf("mode %s: %s", mode, got)
		}
	}
}

func TestArgumentsAreHeldToPolicyAndSchema(t *testing.T) {
	rules := policies.MCP{
		Parameters: map[string]map[string]any{
			"read_note": {
				"properties": map[string]any{
					"name": map[string]any{"pattern": "^[a-z]+$"},
				},
				"additionalProperties": false,
			},
		},
	}
	// the client never asks for the list of tools, but the proxy does
	b := start(t, Config{Rules: rules}, answers(threeTools, "hello"))
	for _, c := range []struct{ args, want string }{
		{`{"name":"shopping"}`, `"text":"hello"`},
		{`{"name":"../etc"}`, `The argument \"name\" is outside of what is permitted here.`},
		{`{"name":"a","x":1}`, "outside of what is permitted here"},
		{`{"name":5}`, "do not satisfy the tool's input schema"},
		{`{}`, "do not satisfy the tool's input schema"},
		{`{"name":"a","name":"../etc"}`, "An argument occurs twice."},
		{`{"name":"a","NAME":"../etc"}`, "An argument occurs twice."},
		{`{"name":"a","x":[{"y":1,"y":2}]}`, "An argument occurs twice."},
		{`[]`, "JSON object"},
	} {
		b.say(callTool("1", "read_note", c.args))
		got := b.hear()
		if !strings.Contains(got, c.want) {
			t.Errorf("%s → %s", c.args, got)
		}
		if strings.Contains(got, "^[a-z]") {
			t.Errorf("the policy leaks: %s", got)
		}
	}
}

func TestAnEndlessListIsNotKept(t *testing.T) {
	b := start(t, Config{Rules: policies.MCP{Mode: policies.MCPOpen,
		InputSchema: policies.MCPEnforce},
		MaxMessage: 100 << 10, DrainTimeout: 50 * time.Millisecond}, func(_ *fake, in *bufio.Reader,
		out io.Writer) {
		each(in, func(r request) {
			fmt.Fprintf(
				out,
				`{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"%s"}],"nextCursor":"more"}}`+"\n",
				r.ID,
				strings.Repeat("a", 30<<10),
			)
		})
	})
	b.say(callTool("1", "a", "{}"))
	b.hears(refusal1("1", "The server did not list its tools."))
	if e := b.server(0).seen(); len(e) != 1 ||
		!strings.Contains(e[0].Reason, "exceed the maximum message size") {
		t.Errorf("events: %+v", e)
	}
}

func TestTheGrantDecidesWhichToolsExist(t *testing.T) {
	rules := policies.MCP{Capabilities: map[string][]string{"read_*": {"fs.read"},
		"write_note": {"fs.read", "fs.write"}}}
	b := start(t, Config{Rules: rules, Grant: []string{"fs.read"}}, answers(threeTools, "hello"))
	b.say(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	if got := b.hear(); !strings.Contains(got, "read_note") ||
		strings.Contains(got, "write_note") || strings.Contains(got, "reset") {
		t.Errorf("tools/list: %s", got)
	}
	b.say(callTool("2", "write_note", "{}"))
	b.hears(refusal1("2", `The tool "write_note" is not available.`))
}

func TestAServerOfAnotherVersionIsRefused(t *testing.T) {
	for allowed, ok := range map[string]bool{"^1.4": true, ">=2": false} {
		b := start(t, Config{Rules: policies.MCP{Server: policies.MCPServer{Version: allowed}}},
			answers(threeTools, "hello"))
		b.say(callTool("0", "read_note", "{}"))
		if got := b.hear(); !strings.Contains(got, "not available") {
			t.Errorf("before it has said its version: %s", got)
		}
		b.say(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}`)
		if got := b.hear(); strings.Contains(got, "serverInfo") != ok {
			t.Errorf("%s: initialize: %s", allowed, got)
		}
		b.say(callTool("2", "read_note", "{}"))
		if got := b.hear(); strings.Contains(got, "hello") != ok {
			t.Errorf("%s: tools/call: %s", allowed, got)
		}
	}
}

func TestResourcesAndPromptsAreAllowlistedToo(t *testing.T) {
	rules := policies.MCP{Resources: policies.MCPNames{Allow: []string{"note://public/*"}},
		Prompts: policies.MCPNames{Deny: []string{"secret"}}}
	b := start(t, Config{Rules: rules}, answers("[]", ""))
	b.say(`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"note://private/a"}}`)
	b.hears(`{"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"Resource not found"}}`)
	b.say(`{"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"note://public/a/b"}}`)
	b.hears(`{"jsonrpc":"2.0","id":2,"result":{}}`)
	b.say(`{"jsonrpc":"2.0","id":3,"method":"prompts/get","params":{"name":"secret"}}`)
	b.hears(`{"jsonrpc":"2.0","id":3,"error":{"code":-32602,"message":"Unknown prompt"}}`)
}

// list is an allowlist that the test can change.
type list struct {
	mu      sync.Mutex
	denied  map[string]bool
	changed chan struct{}
}

func (l *list) Check(i access.Item) access.Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	return access.Verdict{Allowed: !l.denied[i.Name], Layer: access.LayerTool, Reason: "withdrawn"}
}
func (l *list) CheckArguments(access.Item, *access.Arguments, access.Filesystem) access.Verdict {
	return access.Verdict{Allowed: true}
}
func (l *list) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

func TestAWithdrawnToolIsGoneAtOnceAndTheClientIsNotified(t *testing.T) {
	allow := &list{denied: map[string]bool{}, changed: make(chan struct{})}
	b := start(t, Config{Allow: allow}, answers(threeTools, "hello"))
	b.say(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}`)
	b.hear()
	b.say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	b.say(callTool("1", "write_note", "{}"))
	if got := b.hear(); !strings.Contains(got, "hello") {
		t.Fatalf("before: %s", got)
	}
	allow.mu.Lock()
	allow.denied["write_note"] = true
	close(allow.changed)
	allow.changed = make(chan struct{})
	allow.mu.Unlock()
	for _, what := range []string{"tools", "resources", "prompts"} {
		b.hears(`{"jsonrpc":"2.0","method":"notifications/` + what + `/list_changed"}`)
	}
	b.say(callTool("2", "write_note", "{}"))
	b.hears(refusal1("2", `The tool "write_note" is not available.`))
}

func TestAServerWithAnUnusableSchemaIsServed(t *testing.T) {
	tools := `[{"name":"a","inputSchema":{"$ref":"#"},"outputSchema":{"$ref":"#"}}]`
	b := start(t, Config{Rules: policies.MCP{InputSchema: policies.MCPEnforce,
		Output: policies.MCPOutput{Mark: policies.MCPMarkWrap}}}, answers(tools, "hello"))
	b.say(callTool("1", "a", `{}`))
	if got := b.hear(); !strings.Contains(got, "hello") {
		t.Errorf("the call: %s", got)
	}
	e := b.server(0).seen()
	if len(e) == 0 || e[0].Rule != "mcp:schema" || !strings.Contains(e[0].Reason, "not enforced") {
		t.Errorf("events: %+v", e)
	}
}

// A server with an endless list of tools can't fill the proxy's memory. Definitions that are not
// kept are not offered.
func TestEndlessDefinitionsAreNotKept(t *testing.T) {
	page := 0
	b := start(t, Config{Rules: policies.MCP{Mode: policies.MCPOpen,
		InputSchema: policies.MCPEnforce}},
		func(_ *fake, in *bufio.Reader, out io.Writer) {
			each(in, func(r request) {
				page++
				fmt.Fprintf(
					out,
					`{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"t%d","description":"%s"}]}}`+"\n",
					r.ID,
					page,
					strings.Repeat("a", 1<<20),
				)
			})
		})
	last := ""
	for i := range maxDefinitions>>20 + 2 {
		b.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/list"}`, i))
		last = b.hear()
	}
	if !strings.Contains(last, `"tools":[]`) {
		t.Errorf("the client gets %.100s", last)
	}
	e := b.server(0).seen()
	if len(e) != 1 || e[0].Rule != "mcp:limit" || !strings.Contains(e[0].Reason, "exceed") {
		t.Errorf("events: %+v", e)
	}
	b.say(callTool("1", fmt.Sprintf("t%d", page), "{}"))
	if got := b.hear(); !strings.Contains(got, "not available") {
		t.Errorf("a tool that is not kept: %s", got)
	}
}

// Calls that wait for the list of tools hold at most as many bytes as one message may have.
func TestWaitingCallsHoldNoMoreThanAMessage(t *testing.T) {
	b := start(t, Config{Rules: policies.MCP{Mode: policies.MCPOpen,
		InputSchema: policies.MCPEnforce},
		MaxMessage: 100 << 10, DrainTimeout: 50 * time.Millisecond},
		func(_ *fake, in *bufio.Reader, _ io.Writer) { each(in, func(request) {}) })
	for i := range 3 {
		b.say(callTool(fmt.Sprint(i), "a", `{"x":"`+strings.Repeat("y", 40<<10)+`"}`))
	}
	b.hears(refusal1("2", "Too many calls at once."))
	if e := b.server(0).seen(); len(e) != 1 || e[0].Rule != "mcp:limit" {
		t.Errorf("events: %+v", e)
	}
}
