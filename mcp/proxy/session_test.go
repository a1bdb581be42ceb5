package proxy

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

var unmarked = policies.MCP{Output: policies.MCPOutput{Mark: policies.MCPMarkNone}}

func TestMessagesPassByteForByte(t *testing.T) {
	b := start(t, Config{Rules: unmarked}, echo)
	for _, line := range []string{
		`{"jsonrpc":"2.0","method":"notifications/x","params":{"b":1.50,"a":"\u00e9\/"}}`,
		` { "method" : "custom/thing" , "jsonrpc":"2.0" , "unknown" : [ 1e5, -0, {} ] } `,
		`{"jsonrpc":"2.0","id":7,"method":"server/asks"}` + "\r",
		`[{"jsonrpc":"2.0","method":"a"}, {"jsonrpc":"2.0","method":"b"}]`,
		`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}`,
	} {
		b.say(line)
		b.hears(line)
	}
}

// The allowed elements of a batch pass. Each refused element gets its own answer.
func TestRulesApplyToEachElementOfABatch(t *testing.T) {
	rules := policies.MCP{Tools: policies.MCPNames{Deny: []string{"b"}},
		InputSchema: policies.MCPPass, Output: unmarked.Output}
	b := start(t, Config{Rules: rules}, echo)
	one, three := callTool("1", "a", "{}"), callTool("3", "c", "{}")
	b.say("[" + one + "," + callTool("2", "b", "{}") + "," + three + "]")
	b.hears(refusal1("2", `The tool "b" is not available.`))
	b.hears("[" + one + "," + three + "]")
}

func TestAVeryLongMessagePassesInPieces(t *testing.T) {
	b := start(t, Config{Rules: unmarked, MaxMessage: 1 << 20}, echo)
	// 4 MiB, over the limit
	line := `{"jsonrpc":"2.0","method":"x","params":{"text":"` +
		strings.Repeat("0123456789abcdef", 1<<18) + `"}}`
	go b.say(line)
	if got := b.hear(); got != line {
		t.Errorf("of %d bytes %d arrive", len(line), len(got))
	}
}

func TestAMessageThatRulesInspectHasALimit(t *testing.T) {
	rules := policies.MCP{Tools: policies.MCPNames{Allow: []string{"*"}}}
	b := start(t, Config{Rules: rules, MaxMessage: 1 << 20},
		func(_ *fake, in *bufio.Reader, out io.Writer) {
			each(in, func(r request) {
				io.WriteString(out,
					`{"jsonrpc":"2.0","result":{"tools":[],"x":"`+strings.Repeat("x",
						3<<20)+`"},"id":`+string(r.ID)+"}\n")
			})
		})
	b.say(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	b.hears(`{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"The answer is too long."}}`)
	go b.say(`{"jsonrpc":"2.0","method":"tools/call","params":{"name":"a","arguments":{"x":"` +
		strings.Repeat("y", 2<<20) + `"}},"id":2}`)
	b.hears(
		`{"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"The request is too long."}],"isError":true}}`,
	)
}

func TestInvalidMessagesDoNotReachTheClient(t *testing.T) {
	b := start(t, Config{Rules: unmarked}, func(_ *fake, in *bufio.Reader, out io.Writer) {
		io.WriteString(
			out,
			"Listening on stdio…\n\n{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":{}}\n"+
				"{\"id\":1,\"id\":2,\"result\":{}}\n"+
				"{\"half\":\n\"not a message\"\n{\"a\":1}\n[1]\n",
		)
		echo(nil, in, out)
	})
	b.say(`{"method":"after"}`)
	b.hears(`{"method":"after"}`)
	rules := map[string]int{}
	for _, e := range b.server(0).seen() {
		rules[e.Rule]++
	}
	if rules["mcp:malformed"] != 6 || rules["mcp:unasked"] != 1 {
		t.Errorf("events: %v", rules)
	}
	if w := b.warned(); !strings.Contains(w, "Listening on stdio") {
		t.Errorf("stderr says %q", w)
	}
}

func TestServerToClientRequestsAndTheirAnswersPass(t *testing.T) {
	asked := make(chan string, 1)
	b := start(t, Config{Rules: policies.MCP{Mode: policies.MCPDeny}},
		func(_ *fake, in *bufio.Reader, out io.Writer) {
			io.WriteString(
				out,
				`{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"maxTokens":5}}`+"\n",
			)
			each(in, func(r request) { asked <- r.raw })
		})
	b.hears(`{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"maxTokens":5}}`)
	b.say(`{"jsonrpc":"2.0","id":1,"result":{"role":"assistant"}}`)
	if got := <-asked; got != `{"jsonrpc":"2.0","id":1,"result":{"role":"assistant"}}` {
		t.Errorf("the server gets %s", got)
	}
}

func TestConcurrentCallsGetTheirOwnAnswers(t *testing.T) {
	b := start(t, Config{}, func(_ *fake, in *bufio.Reader, out io.Writer) {
		var held []request
		each(in, func(r request) {
			if held = append(held, r); len(held) < 64 {
				return
			}
			for i := range held { // in reverse order
				r := held[len(held)-1-i]
				fmt.Fprintf(
					out,
					`{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":%q}]}}`+"\n",
					r.ID,
					r.Params.Name,
				)
			}
		})
	})
	for i := range 64 {
		id := fmt.Sprint(i)
		if i%2 == 1 {
			id = `"` + id + `"` // 8 and "8" are different requests
		}
		b.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"t%d"}}`,
			id, i))
	}
	seen := map[string]bool{}
	for range 64 {
		var scan wire.Scanner
		line := []byte(b.hear())
		scan.Feed(line)
		i := scan.Env.ID().String()
		if !strings.Contains(string(line), `"text":"t`+i+`"`) ||
			!strings.Contains(string(line), `"call":"`+i+`"`) || seen[i] {
			t.Errorf("request %s gets %s", i, line)
		}
		seen[i] = true
	}
}

func TestUnansweredCallsAreAnsweredWhenTheServerDies(t *testing.T) {
	b := start(t, Config{}, func(_ *fake, in *bufio.Reader, out io.Writer) { in.ReadString('\n') })
	b.say(`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"crash"}}`)
	b.hears(
		`{"jsonrpc":"2.0","id":"x","error":{"code":-32000,"message":"The server ended before it answered."}}`,
	)
}

func TestEventsCarryTheCallsInFlight(t *testing.T) {
	var mu sync.Mutex
	var during []*monitor.Call
	b := start(t, Config{}, func(f *fake, in *bufio.Reader, out io.Writer) {
		var held []request
		each(in, func(r request) {
			mu.Lock()
			during = append(during, f.call())
			mu.Unlock()
			if held = append(held, r); len(held) == 2 {
				for _, r := range held {
					fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"result":{}}`+"\n", r.ID)
				}
			}
		})
	})
	b.say(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"}}`)
	b.say(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"write"}}`)
	b.hear()
	b.hear()
	mu.Lock()
	defer mu.Unlock()
	one, two := during[0], during[1]
	if one == nil || one.Request != "1" || one.Tool != "read" || one.Server != "notes" {
		t.Errorf("while one call is in flight: %+v", one)
	}
	if two == nil || two.Request != "1" || len(two.Ambiguous) != 1 ||
		two.Ambiguous[0] != "2 write" {
		t.Errorf("while two are: %+v", two)
	}
	if now := b.server(0).call(); now != nil {
		t.Errorf("afterwards: %+v", now)
	}
}
