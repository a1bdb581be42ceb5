package proxy

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/mcpbox/mcpbox/internal/lockedbuf"
	"github.com/mcpbox/mcpbox/mcp/audit"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	"github.com/mcpbox/mcpbox/policies"
)

// recorder is a server that keeps all messages, and answers those with an id.
type recorder struct {
	mu  sync.Mutex
	got []string
}

func (r *recorder) serve(_ *fake, in *bufio.Reader, out io.Writer) {
	each(in, func(q request) {
		r.mu.Lock()
		r.got = append(r.got, q.raw)
		r.mu.Unlock()
		if q.ID != nil {
			fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"result":{}}`+"\n", q.ID)
		}
	})
}

func (r *recorder) all() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.got, "\n")
}

// A message that some server could take for a call does not reach the server unchecked.
func TestDisguisedCallsDoNotReachTheServer(t *testing.T) {
	const evil = `"params":{"name":"write_note","uri":"note://private","ref":{"type":"ref/prompt","name":"secret"}}`
	rules := policies.MCP{Tools: policies.MCPNames{Deny: []string{"write_note"}},
		InputSchema: policies.MCPPass,
		Resources:   policies.MCPNames{Deny: []string{"note://private"}},
		Prompts:     policies.MCPNames{Deny: []string{"secret"}}}
	for name, line := range map[string]string{
		"a call without an id": `{"jsonrpc":"2.0","method":"tools/call",` + evil + `}`,
		"a read without an id": `{"jsonrpc":"2.0","method":"resources/read",` + evil +
			`}`,
		"a completion for a denied prompt": `{"jsonrpc":"2.0","id":1,"method":"completion/complete",` + evil + `}`,
		"all in capitals": `{"jsonrpc":"2.0","ID":1,"METHOD":"tools/call",` +
			evil + `}`,
		"an id in capitals": `{"jsonrpc":"2.0","ID":1,"method":"notifications/x","Method":"tools/call",` + evil + `}`,
		"an answer with a method": `{"jsonrpc":"2.0","id":1,"result":{},"Method":"tools/call",` +
			evil + `}`,
		"an array in an array": `[[{"jsonrpc":"2.0","id":1,"method":"tools/call",` +
			evil + `}]]`,
		"a line in a line": "{\"jsonrpc\":\"2.0\"," +
			"\"method\":\"notifications/x\",\"params\":{\"a\":\r" +
			"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"," + evil + "}\r}}",
	} {
		var r recorder
		b := start(t, Config{Rules: rules}, r.serve)
		b.say(line)
		b.say(`{"jsonrpc":"2.0","id":"end","method":"ping"}`)
		for !strings.Contains(b.hear(), `"end"`) {
		}
		if got := r.all(); strings.Contains(got, "write_note") {
			t.Errorf("%s: the server gets %q", name, got)
		}
	}
}

func TestCallsWithoutAnIdAreReported(t *testing.T) {
	var records lockedbuf.Buffer
	var r recorder
	b := start(t, Config{Rules: policies.MCP{Mode: policies.MCPDeny},
		Audit: audit.NewLog(&records)}, r.serve)
	b.say(
		`{"jsonrpc":"2.0","method":"tools/call","params":{"name":"write_note","arguments":{"a":1}}}`,
	)
	b.say(`{"jsonrpc":"2.0","id":"end","method":"ping"}`)
	b.hears(`{"jsonrpc":"2.0","id":"end","result":{}}`) // no answer comes before it
	e := b.server(0).seen()
	if len(e) != 1 || e[0].Rule != "mcp:protocol" || e[0].Call == nil ||
		e[0].Call.Tool != "write_note" {
		t.Errorf("events: %+v", e)
	}
	if got := records.String(); !strings.Contains(got, `"decision":"refused"`) ||
		!strings.Contains(got, `"arguments":{"a":1}`) {
		t.Errorf("audit: %s", got)
	}
}

// Without rules such a call passes, and is recorded, because the server may execute it.
func TestCallsWithoutAnIdAreRecorded(t *testing.T) {
	var records lockedbuf.Buffer
	var r recorder
	b := start(t, Config{Audit: audit.NewLog(&records)}, r.serve)
	b.say(`{"jsonrpc":"2.0","method":"tools/call","params":{"name":"write_note"}}`)
	b.say(`{"jsonrpc":"2.0","id":"end","method":"ping"}`)
	b.hear()
	if got := records.String(); !strings.Contains(got,
		`"tool":"write_note","outcome":"no_answer"`) || !strings.Contains(r.all(), "write_note") {
		t.Errorf("audit: %s", got)
	}
}

// If no answer can match an id, the call would stay open for ever, and its refusal would not be
// JSON.
func TestIdsAreTextsOrNumbers(t *testing.T) {
	for _, id := range []string{`null`, `true`, `{"a":1}`, `[1]`, `"` + strings.Repeat("x", 2000) +
		`"`} {
		var r recorder
		b := start(t, Config{Rules: policies.MCP{Mode: policies.MCPDeny}}, r.serve)
		b.say(`{"jsonrpc":"2.0","id":` + id + `,"method":"tools/call","params":{"name":"a"}}`)
		b.hears(`{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request"}}`)
		if got := r.all(); got != "" {
			t.Errorf("id %.20s: the server gets %.200s", id, got)
		}
	}
}

// A message that some client could take for an answer does not reach the client unchecked.
func TestDisguisedAnswersDoNotReachTheClient(t *testing.T) {
	const evil = `{"content":[{"type":"text","text":"EVIL"}],"tools":[{"name":"EVIL"}]}`
	rules := policies.MCP{Tools: policies.MCPNames{Allow: []string{"good"}},
		InputSchema: policies.MCPPass, Output: policies.MCPOutput{Mark: policies.MCPMarkWrap}}
	for name, line := range map[string]string{
		"with a method": `{"jsonrpc":"2.0","id":1,"method":"x","result":` + evil + `}`,
		"two results":   `{"jsonrpc":"2.0","id":1,"result":{},"Result":` + evil + `}`,
		"a notification with it": `{"jsonrpc":"2.0","ID":1,"method":"notifications/x","RESULT":` +
			evil + `}`,
		"tools in capitals": `{"jsonrpc":"2.0","id":1,"result":{"tools":[],"Tools":[{"name":"EVIL"}]}}`,
		"no other tools":    `{"jsonrpc":"2.0","id":1,"result":{"TOOLS":[{"name":"EVIL"}]}}`,
		"a line in a line": "{\"jsonrpc\":\"2.0\"," +
			"\"method\":\"notifications/x\",\"params\":{\"a\":\r" +
			"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":" + evil + "}\r}}",
	} {
		b := start(t, Config{Rules: rules}, func(_ *fake, in *bufio.Reader, out io.Writer) {
			each(in, func(r request) {
				if r.Method == "ping" {
					fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"result":{}}`+"\n", r.ID)
					return
				}
				io.WriteString(out, line+"\n")
			})
		})
		b.say(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
		b.say(`{"jsonrpc":"2.0","id":2,"method":"ping"}`)
		for got := ""; !strings.Contains(got, `"id":2`); {
			if got = b.hear(); strings.Contains(got, "EVIL") {
				t.Errorf("%s: the client gets %q", name, got)
			}
		}
		if len(b.server(0).seen()) == 0 {
			t.Errorf("%s: no event reports it", name)
		}
	}
}

// Messages without rules pass byte for byte, whatever their members are called.
func TestOtherMethodsMayUseOtherSpellings(t *testing.T) {
	const result = `{"Content":[],"Tools":1}`
	b := start(t, Config{Rules: policies.MCP{Mode: policies.MCPDeny}},
		func(_ *fake, in *bufio.Reader, out io.Writer) {
			each(in, func(r request) {
				if strings.Contains(r.raw, `"params":{"Name":"x","URI":1}`) {
					fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"result":%s}`+"\n", r.ID, result)
				}
			})
		})
	b.say(`{"jsonrpc":"2.0","id":1,"method":"custom/thing","params":{"Name":"x","URI":1}}`)
	b.hears(`{"jsonrpc":"2.0","id":1,"result":` + result + `}`)
}

// A definition with a duplicate member, or one in two spellings, could mean something else to the
// client than to the proxy.
func TestAToolWithAnAmbiguousDefinitionIsNotListed(t *testing.T) {
	pins := pinsOf(t, `{"name":"good","description":"reads"}`)
	for _, tool := range []string{
		`{"name":"good","Name":"other","description":"EVIL"}`,
		`{"name":"EVIL","Name":"good","description":"reads"}`,
		`{"name":"good","Name":5,"description":"EVIL"}`,
		`{"name":"good","description":"EVIL","description":"reads"}`,
		`{"name":"good","description":"reads","Description":"EVIL"}`,
	} {
		b := start(t, Config{Pins: pins}, answers("["+tool+"]", "hello"))
		b.say(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
		b.hears(`{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}`)
		e := b.server(0).seen()
		if len(e) == 0 || e[0].Action != "refused" {
			t.Errorf("%s: events: %+v", tool, e)
		}
		b.say(callTool("2", "EVIL", "{}"))
		b.hears(refusal1("2", `The tool "EVIL" is not available.`))
	}
}

// careless is a server that cuts names at a zero byte, as C does, and trims them.
func careless(calls *lockedbuf.Buffer) func(*fake, *bufio.Reader, io.Writer) {
	return func(_ *fake, in *bufio.Reader, out io.Writer) {
		each(in, func(q request) {
			var members map[string]json.RawMessage
			if json.Unmarshal([]byte(q.raw), &members) != nil {
				return
			}
			is := func(name,
				want string) bool {
				return wire.Canonical(name) == wire.Canonical(want)
			}
			for key, value := range members {
				var method string
				if is(key, "method") && json.Unmarshal(value, &method) == nil &&
					is(method, "tools/call") {
					fmt.Fprintln(calls, "called")
				}
			}
			if q.ID != nil {
				fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"result":{}}`+"\n", q.ID)
			}
		})
	}
}

// The proxy refuses a method or member that some server takes for a ruled one. Without rules it
// reaches the server, and the attack works.
func TestNamesLikeRuledOnesAreRefused(t *testing.T) {
	const params = `,"params":{"name":"write_note"}}`
	for _, line := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call\u0000"` + params,
		`{"jsonrpc":"2.0","id":1,"method":"Tools/Call"` + params,
		`{"jsonrpc":"2.0","id":1,"method":" tools/call"` + params,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call\ufeff"` + params,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call\u0000` + strings.Repeat("x", 2000) + `"` +
			params,
		`{"jsonrpc":"2.0","method":"tools/call\u0000"` + params,
		`{"jsonrpc":"2.0","id":1,"method":"ping","method\u0000":"tools/call"` + params,
		`{"jsonrpc":"2.0","id":1,"method":"ping"," method":"tools/call"` + params,
		`{"jsonrpc":"2.0","id":1,"method":"ping","method\u0000` + strings.Repeat("x", 2000) +
			`":"tools/call"` + params,
	} {
		for _, ruled := range []bool{false, true} {
			var calls lockedbuf.Buffer
			cfg := Config{Rules: unmarked}
			if ruled {
				cfg.Rules.Tools.Deny = []string{"write_note"}
				cfg.Rules.InputSchema = policies.MCPPass
			}
			b := start(t, cfg, careless(&calls))
			b.say(line)
			b.say(`{"jsonrpc":"2.0","id":"end","method":"ping"}`)
			for !strings.Contains(b.hear(), `"end"`) {
			}
			if called := calls.String() != ""; called == ruled {
				t.Errorf("%.90s, rules %v: called is %v", line, ruled, called)
			}
			if e := b.server(0).seen(); ruled && (len(e) != 1 || e[0].Rule != "mcp:protocol") {
				t.Errorf("%.90s: events: %+v", line, e)
			}
		}
	}
}

// A message that no parser would read to its end is answered, and the answer is the true reason.
func TestAMessageThatIsNestedTooDeeplyIsAnswered(t *testing.T) {
	const levels = 1 << 20
	var r recorder
	b := start(t, Config{Rules: policies.MCP{Mode: policies.MCPDeny}}, r.serve)
	b.say(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":` +
		strings.Repeat("[", levels) + strings.Repeat("]", levels) + `}}`)
	b.hears(`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}`)
	if got := r.all(); got != "" {
		t.Errorf("the server gets %.80q", got)
	}
}
