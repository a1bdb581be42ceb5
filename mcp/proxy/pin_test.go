package proxy

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	"github.com/mcpbox/mcpbox/mcp/pin"
	"github.com/mcpbox/mcpbox/policies"
)

func pinsOf(t *testing.T, definitions ...string) *pin.File {
	t.Helper()
	p := &pin.File{Tools: map[string]*pin.Tool{}}
	for _, d := range definitions {
		pin, err := pin.NewTool([]byte(d))
		if err != nil {
			t.Fatal(err)
		}
		name, _ := wire.StringMember([]byte(d), "name")
		p.Tools[name] = pin
	}
	return p
}

func TestAChangedToolIsRefusedUntilItIsApproved(t *testing.T) {
	pins := pinsOf(
		t,
		`{"name":"read_note","description":"reads","inputSchema":{"required":["name"],"properties":{"name":{"type":"string"}},"type":"object"}}`,
		`{"name":"write_note","description":"as it was","inputSchema":{"type":"object"}}`,
	)
	b := start(t, Config{Pins: pins}, answers(threeTools, "hello"))
	b.say(callTool("1", "write_note", "{}"))
	b.hears(refusal1("1", `The tool "write_note" is not available.`))
	b.say(callTool("2", "admin/reset", "{}"))
	b.hears(refusal1("2", `The tool "admin/reset" is not available.`))
	b.say(callTool("3", "read_note", `{"name":"a"}`))
	if got := b.hear(); !strings.Contains(got, "hello") {
		t.Errorf("an unchanged tool, members in another order: %s", got)
	}
	b.say(`{"jsonrpc":"2.0","id":4,"method":"tools/list"}`)
	if got := b.hear(); strings.Contains(got, "write_note") || strings.Contains(got, "reset") ||
		!strings.Contains(got, "read_note") {
		t.Errorf("tools/list: %s", got)
	}
	told := 0
	for _, e := range b.server(0).seen() {
		if e.Rule == "mcp:pin" && e.Type == "suspicious_behavior" {
			told++
			if !strings.Contains(e.Reason, `description: removed "as it was"`) &&
				!strings.Contains(e.Reason, "not among the approved") {
				t.Errorf("reason: %s", e.Reason)
			}
		}
	}
	if told != 2 {
		t.Errorf("%d events tell of changed tools, want 2 (one each, however often it is listed)",
			told)
	}
}

func TestAChangeWithinASessionIsFlaggedWithoutPins(t *testing.T) {
	lists := 0
	b := start(t, Config{Rules: policies.MCP{}}, func(_ *fake, in *bufio.Reader, out io.Writer) {
		each(in, func(r request) {
			lists++
			fmt.Fprintf(
				out,
				`{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"a","description":"d%d"},{"name":"b"}]}}`+"\n",
				r.ID,
				lists,
			)
		})
	})
	b.say(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	b.hears(
		`{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a","description":"d1"},{"name":"b"}]}}`,
	)
	if e := b.server(0).seen(); len(e) != 0 {
		t.Fatalf("events at the first listing: %+v", e)
	}
	b.say(`{"jsonrpc":"2.0","id":2,"method":"tools/list"}`)
	b.hears(
		`{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"a","description":"d2"},{"name":"b"}]}}`,
	)
	e := b.server(0).seen()
	if len(e) != 1 || e[0].Rule != "mcp:pin" || e[0].Action != "flagged" ||
		!strings.Contains(e[0].Reason, `"d1" → "d2"`) {
		t.Errorf("events: %+v", e)
	}
}

// A list that is long enough to pass in pieces is compared too.
func TestAChangeInALongListIsFlagged(t *testing.T) {
	lists := 0
	b := start(t, Config{Rules: unmarked}, func(_ *fake, in *bufio.Reader, out io.Writer) {
		each(in, func(r request) {
			lists++
			fmt.Fprintf(
				out,
				`{"jsonrpc":"2.0","result":{"tools":[{"name":"a","description":"d%d"},{"name":"b","description":"%s"}]},"id":%s}`+"\n",
				lists,
				strings.Repeat("x", 2*wire.StreamFrom),
				r.ID,
			)
		})
	})
	for range 2 {
		b.say(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
		b.hear()
	}
	if e := b.server(0).seen(); len(e) != 1 || e[0].Rule != "mcp:pin" {
		t.Errorf("events: %+v", e)
	}
}
