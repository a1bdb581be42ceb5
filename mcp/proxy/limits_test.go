package proxy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/mcp/audit"
	"github.com/mcpbox/mcpbox/mcp/launch"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

// slow answers everything except calls of "hang". It gives up such a call when it is cancelled,
// unless it is stubborn.
func slow(stubborn bool) func(*fake, *bufio.Reader, io.Writer) {
	return func(_ *fake, in *bufio.Reader, out io.Writer) {
		hung := ""
		each(in, func(r request) {
			switch {
			case r.Params.Name == "hang":
				hung = string(r.ID)
			case hung != "" && stubborn:
			case r.Method == "notifications/cancelled":
				fmt.Fprintf(out,
					`{"jsonrpc":"2.0","id":%s,"result":{"content":[],"late":true}}`+"\n", hung)
				hung = ""
			case r.ID != nil:
				fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"result":{"said":%q}}`+"\n", r.ID,
					r.Method)
			}
		})
	}
}

func hangs(l policies.MCPLimits) policies.MCP {
	return policies.MCP{Limits: map[string]policies.MCPLimits{"hang": l}, Output: unmarked.Output}
}

func TestACallOverItsTimeIsAnsweredAndCancelled(t *testing.T) {
	var records bytes.Buffer
	b := start(t,
		Config{Rules: hangs(policies.MCPLimits{Timeout: policies.Duration(50 * time.Millisecond)}),
			Audit: audit.NewLog(&records)}, slow(false))
	b.say(callTool("1", "hang", "{}"))
	b.hears(refusal1("1", "The call exceeded its time limit."))
	b.say(`{"jsonrpc":"2.0","id":2,"method":"ping"}`)
	b.hears(`{"jsonrpc":"2.0","id":2,"result":{"said":"ping"}}`) // the late answer is dropped
	e := b.server(0).seen()
	if len(e) != 1 || e[0].Type != "timeout_exceeded" || e[0].Limit.Value != 50 ||
		e[0].Call.Tool != "hang" {
		t.Errorf("events: %+v", e)
	}
	var r audit.Record
	if err := json.Unmarshal(records.Bytes(), &r); err != nil || r.Outcome != "timeout" ||
		r.Tool != "hang" || r.Duration <= 0 {
		t.Errorf("audit: %s", records.String())
	}
}

func TestAServerThatHangsIsReplacedAndGetsTheHandshake(t *testing.T) {
	b := start(t,
		Config{Rules: hangs(policies.MCPLimits{Timeout: policies.Duration(20 * time.Millisecond)})},
		slow(true))
	b.say(
		`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}`,
	)
	b.hears(`{"jsonrpc":"2.0","id":0,"result":{"said":"initialize"}}`)
	b.say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	b.say(callTool("1", "hang", "{}"))
	b.hears(refusal1("1", "The call exceeded its time limit."))
	b.say(callTool("2", "other", "{}"))
	b.hears(
		`{"jsonrpc":"2.0","id":2,"error":{"code":-32000,"message":"The server was restarted before it answered."}}`,
	)
	b.say(callTool("3", "other", "{}"))
	b.hears(`{"jsonrpc":"2.0","id":3,"result":{"said":"tools/call"}}`)
	if b.server(1) == nil || b.server(2) != nil {
		t.Error("the server was not restarted once")
	}
}

func TestALimitThatIsNotEnforcedIsReported(t *testing.T) {
	rules := policies.MCP{Limits: map[string]policies.MCPLimits{"a": {Memory: 1 << 20}}}
	// the usage of a fake is unknown, like that of a server without a sandbox
	b := start(t, Config{Rules: rules}, answers("[]", "hello"))
	b.say(callTool("1", "a", "{}"))
	b.hear()
	if got := b.warned(); !strings.Contains(got, "not enforced: the limits memory and cpu_time") {
		t.Errorf("stderr says %q", got)
	}
}

func TestACallOverItsMemoryOrCPUTimeIsEnded(t *testing.T) {
	for _, limit := range []policies.MCPLimits{{Memory: 1 << 20},
		{CPUTime: policies.Duration(time.Second)}} {
		b := start(t, Config{Rules: hangs(limit)}, func(f *fake, in *bufio.Reader, out io.Writer) {
			f.mu.Lock()
			f.usage = launch.Usage{CPU: time.Second, Memory: 5 << 20, MemoryPeak: 5 << 20}
			f.mu.Unlock()
			each(in, func(r request) {
				f.mu.Lock()
				f.usage = launch.Usage{CPU: 3 * time.Second, Memory: 50 << 20, MemoryPeak: 50 << 20}
				f.mu.Unlock()
			})
		})
		for b.server(0) == nil || b.server(0).Usage().CPU < 0 {
			time.Sleep(time.Millisecond)
		}
		b.say(callTool("1", "hang", "{}"))
		if got := b.hear(); !strings.Contains(got, "exceeded its") {
			t.Errorf("%+v: %s", limit, got)
		}
		if e := b.server(0).seen(); len(e) == 0 || e[0].Type != "resource_limit_exceeded" ||
			e[0].Call == nil {
			t.Errorf("%+v: events: %+v", limit, e)
		}
	}
}

func TestACancelledCallEnds(t *testing.T) {
	b := start(t, Config{}, slow(false))
	b.say(callTool("1", "hang", "{}"))
	b.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
	b.say(`{"jsonrpc":"2.0","id":2,"method":"ping"}`)
	b.hears(`{"jsonrpc":"2.0","id":2,"result":{"said":"ping"}}`)
	if e := b.server(0).seen(); len(e) != 0 {
		t.Errorf("events: %+v", e)
	}
}

func TestAServerThatHangsInACancelledCallIsReplaced(t *testing.T) {
	b := start(t,
		Config{Rules: hangs(policies.MCPLimits{Timeout: policies.Duration(20 * time.Millisecond)})},
		slow(true))
	b.say(callTool("1", "hang", "{}") + "\n" +
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
	b.say(callTool("2", "other", "{}"))
	b.hears(
		`{"jsonrpc":"2.0","id":2,"error":{"code":-32000,"message":"The server was restarted before it answered."}}`,
	)
	b.say(callTool("3", "other", "{}"))
	b.hears(`{"jsonrpc":"2.0","id":3,"result":{"said":"tools/call"}}`)
}

// The server follows the specification: it does not answer the cancelled call, and answers a ping
// at once.
func TestAServerThatDropsACancelledCallStays(t *testing.T) {
	pinged := make(chan struct{})
	b := start(t,
		Config{Rules: hangs(policies.MCPLimits{Timeout: policies.Duration(20 * time.Millisecond)})},
		func(_ *fake, in *bufio.Reader, out io.Writer) {
			each(in, func(r request) {
				if r.ID != nil && r.Params.Name != "hang" {
					fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"result":{}}`+"\n", r.ID)
				}
				if r.Method == "ping" {
					close(pinged)
				}
			})
		})
	b.say(callTool("1", "hang", "{}") + "\n" +
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
	<-pinged
	b.say(callTool("2", "other", "{}"))
	b.hears(`{"jsonrpc":"2.0","id":2,"result":{}}`)
	if b.server(1) != nil {
		t.Error("the server was restarted")
	}
}

// asking is a server that sends the client a request in the middle of a call. Every instance uses
// the same id.
func asking(f *fake, in *bufio.Reader, out io.Writer) {
	var call string
	each(in, func(r request) {
		switch {
		case r.Method == "initialize":
			fmt.Fprintf(
				out,
				`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`+"\n"+`{"jsonrpc":"2.0","id":%s,"result":{}}`+"\n",
				r.ID,
			)
		case r.Method == "tools/call":
			call = string(r.ID)
			fmt.Fprintf(out,
				`{"jsonrpc":"2.0","id":1,"method":"roots/list","params":{"for":%s}}`+"\n", call)
		case r.Method == "" && call != "":
			fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"result":{"reply":%s,"event":%q}}`+"\n",
				call, r.raw, fmt.Sprint(f.call().Request, f.call().Ambiguous))
		case r.ID != nil:
			fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"result":{}}`+"\n", r.ID)
		}
	})
}

// Events of an isolated server belong to its call, also before the call is sent and after it was
// cancelled.
func TestEventsOfAnIsolatedServerBelongToItsCall(t *testing.T) {
	during, called := make(chan *monitor.Call, 3), make(chan struct{})
	b := start(t, Config{Rules: unmarked, Isolate: true},
		func(f *fake, in *bufio.Reader, out io.Writer) {
			during <- f.call() // at its start
			each(in, func(r request) {
				switch r.Method {
				case "initialize":
					fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"result":{}}`+"\n", r.ID)
				case "tools/call":
					close(called)
				}
			})
			during <- f.call() // at its end
		})
	if c := <-during; c != nil {
		t.Errorf("of the server that is for all calls: %+v", c)
	}
	b.say(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}`)
	b.hears(`{"jsonrpc":"2.0","id":0,"result":{}}`)
	b.say(callTool("7", "a", "{}"))
	if c := <-during; c == nil || c.Request != "7" || c.Tool != "a" {
		t.Errorf("at its start: %+v", c)
	}
	<-called
	b.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}`)
	if c := <-during; c == nil || c.Request != "7" {
		t.Errorf("after its call was cancelled: %+v", c)
	}
}

func TestACallCancelledWhileItsServerStartsIsNotMade(t *testing.T) {
	cancelled := make(chan struct{})
	b := start(t, Config{Rules: unmarked, Isolate: true},
		func(f *fake, in *bufio.Reader, out io.Writer) {
			each(in, func(r request) {
				if r.Method == "initialize" && f.call() != nil {
					<-cancelled
				}
				if r.ID != nil {
					fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"result":{"said":%q}}`+"\n", r.ID,
						r.Method)
				}
			})
		})
	b.say(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}`)
	b.hears(`{"jsonrpc":"2.0","id":0,"result":{"said":"initialize"}}`)
	b.say(callTool("1", "a", "{}") + "\n" +
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}` + "\n" +
		`{"jsonrpc":"2.0","id":2,"method":"ping"}`)
	b.hears(`{"jsonrpc":"2.0","id":2,"result":{"said":"ping"}}`)
	close(cancelled)
	b.say(callTool("3", "a", "{}"))
	b.hears(`{"jsonrpc":"2.0","id":3,"result":{"said":"tools/call"}}`)
	b.to.Close() // the session ends when all requests are answered
	if rest, err := b.from.ReadString('\n'); err == nil {
		t.Errorf("the client gets %s", rest)
	}
}

func TestIsolatedCallsHaveTheirOwnServers(t *testing.T) {
	b := start(t, Config{Rules: unmarked, Isolate: true}, asking)
	b.say(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}`)
	b.hears(`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`)
	b.hears(`{"jsonrpc":"2.0","id":0,"result":{}}`)
	b.say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	b.say(callTool("7", "a", "{}"))
	b.say(callTool(`"x"`, "b", "{}"))
	ids := map[string]string{}
	for range 2 {
		var asks struct {
			ID     json.RawMessage
			Params struct{ For json.RawMessage }
		}
		line := b.hear()
		if err := json.Unmarshal([]byte(line), &asks); err != nil || string(asks.Params.For) == "" {
			t.Fatalf("%v: %s", err, line)
		}
		ids[string(asks.Params.For)] = string(asks.ID)
	}
	if ids["7"] == "" || ids[`"x"`] == "" || ids["7"] == ids[`"x"`] {
		t.Fatalf("the two servers' requests: %v", ids)
	}
	b.say(`{"jsonrpc":"2.0","id":` + ids[`"x"`] + `,"result":{"roots":[2]}}`)
	b.hears(
		`{"jsonrpc":"2.0","id":"x","result":{"reply":{"jsonrpc":"2.0","id":1,"result":{"roots":[2]}},"event":"x[]"}}`,
	)
	b.say(`{"jsonrpc":"2.0","id":` + ids["7"] + `,"result":{"roots":[1]}}`)
	b.hears(
		`{"jsonrpc":"2.0","id":7,"result":{"reply":{"jsonrpc":"2.0","id":1,"result":{"roots":[1]}},"event":"7[]"}}`,
	)
	for i := 1; i <= 2; i++ {
		<-b.server(i).Done() // each ends with its call
	}
}

func TestAServerThatHangsEndsAfterTheClientsInput(t *testing.T) {
	b := start(t, Config{Rules: unmarked, DrainTimeout: 50 * time.Millisecond},
		func(f *fake, in *bufio.Reader, _ io.Writer) {
			each(in, func(request) {})
			<-f.asked
		})
	b.say(callTool("1", "hang", "{}"))
	b.to.Close()
	if got := b.hear(); !strings.Contains(got, `"id":1`) ||
		!strings.Contains(got, "ended before it answered") {
		t.Errorf("the client is told %s", got)
	}
}
