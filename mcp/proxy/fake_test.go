package proxy

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	"github.com/mcpbox/mcpbox/mcp/launch"
	"github.com/mcpbox/mcpbox/monitor"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// fake is a server in the test's process. serve reads requests from in and writes to out until it
// returns.
type fake struct {
	serve func(f *fake, in *bufio.Reader, out io.Writer)
	call  func() *monitor.Call

	stdin  *os.File // the proxy's end
	stdout *os.File
	in     *os.File
	out    *os.File
	done   chan struct{}
	usage  launch.Usage
	term   context.CancelFunc // called for SIGTERM, or any other signal
	asked  <-chan struct{}    // closed by term: the server shall end

	mu     sync.Mutex
	events []monitor.Event
}

func (f *fake) Stdin() io.WriteCloser { return f.stdin }
func (f *fake) Stdout() io.Reader     { return f.stdout }
func (f *fake) Sandbox() string       { return "box" }
func (f *fake) Root() string          { return "/" }
func (f *fake) Dir() string           { return "/work" }
func (f *fake) Signal(unix.Signal)    { f.term() }
func (f *fake) Done() <-chan struct{} { return f.done }
func (f *fake) Usage() launch.Usage {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.usage
}
func (f *fake) Record(e monitor.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, e)
}

func (f *fake) Stop() {
	f.in.Close()
	f.out.Close()
	<-f.done
}

func (f *fake) End() (*mcpruntime.Result, error) {
	return &mcpruntime.Result{Status: mcpruntime.StatusOK, Success: true}, nil
}

func (f *fake) seen() []monitor.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]monitor.Event(nil), f.events...)
}

// bench is a proxy between a test and fake servers.
type bench struct {
	t       testing.TB
	to      *os.File // what the client writes to
	from    *bufio.Reader
	outcome chan error
	warned  func() string

	mu    sync.Mutex
	fakes []*fake
}

func (b *bench) launch(serve func(*fake, *bufio.Reader, io.Writer)) launch.Func {
	return func(_ context.Context, call func() *monitor.Call) (launch.Server, error) {
		f := &fake{serve: serve, call: call, done: make(chan struct{}),
			usage: launch.Usage{CPU: -1, Memory: -1, MemoryPeak: -1}}
		end, term := context.WithCancel(context.Background())
		f.term, f.asked = term, end.Done()
		f.in, f.stdin, _ = os.Pipe()
		f.stdout, f.out, _ = os.Pipe()
		b.mu.Lock()
		b.fakes = append(b.fakes, f)
		b.mu.Unlock()
		go func() {
			defer close(f.done)
			f.serve(f, bufio.NewReaderSize(f.in, 1<<20), f.out)
			f.out.Close()
		}()
		return f, nil
	}
}

func (b *bench) server(i int) *fake {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i >= len(b.fakes) {
		return nil
	}
	return b.fakes[i]
}

// start runs a proxy with this server. It completes cfg.
func start(t testing.TB, cfg Config, serve func(*fake, *bufio.Reader, io.Writer)) *bench {
	b := &bench{t: t, outcome: make(chan error, 1)}
	clientIn, to, _ := os.Pipe()
	from, clientOut, _ := os.Pipe()
	b.to, b.from = to, bufio.NewReaderSize(from, 1<<20)
	var mu sync.Mutex
	var warned strings.Builder
	b.warned = func() string { mu.Lock(); defer mu.Unlock(); return warned.String() }
	cfg.Client, cfg.Server, cfg.Policy, cfg.Launch = Pipe{clientIn, clientOut}, "notes", "test",
		b.launch(serve)
	cfg.Warn = func(f string, a ...any) {
		mu.Lock()
		defer mu.Unlock()
		warned.WriteString(f)
		for _, x := range a {
			if s, ok := x.(string); ok {
				warned.WriteString(" " + s)
			}
		}
	}
	go func() {
		_, err := Serve(context.Background(), cfg)
		clientOut.Close()
		b.outcome <- err
	}()
	t.Cleanup(func() {
		to.Close()
		select {
		case <-b.outcome:
		case <-time.After(10 * time.Second):
			t.Error("Serve does not return after the client has left")
		}
		from.Close()
		clientIn.Close()
	})
	return b
}

func (b *bench) say(line string) {
	b.t.Helper()
	if _, err := io.WriteString(b.to, line+"\n"); err != nil {
		b.t.Fatal(err)
	}
}

// hear returns the next line that the client gets.
func (b *bench) hear() string {
	b.t.Helper()
	type heard struct {
		line string
		err  error
	}
	got := make(chan heard, 1)
	go func() {
		line, err := b.from.ReadString('\n')
		got <- heard{line, err}
	}()
	select {
	case h := <-got:
		if h.err != nil {
			b.t.Fatalf("nothing more to hear: %v (%q)", h.err, h.line)
		}
		return strings.TrimSuffix(h.line, "\n")
	case <-time.After(10 * time.Second):
		b.t.Fatal("the client waits in vain")
		return ""
	}
}

func (b *bench) hears(want string) {
	b.t.Helper()
	if got := b.hear(); got != want {
		b.t.Errorf("the client gets %s\nwant            %s", got, want)
	}
}

// request is a message that a fake server has read.
type request struct {
	raw    string
	ID     json.RawMessage
	Method string
	Params struct {
		Name      string
		Arguments json.RawMessage
		RequestID json.RawMessage `json:"requestId"`
	}
}

// each calls f for every message until the stream ends.
func each(in *bufio.Reader, f func(r request)) {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		r := request{raw: strings.TrimSuffix(line, "\n")}
		_ = json.Unmarshal([]byte(line), &r)
		f(r)
	}
}

// answers returns a server with a fixed list of tools. It answers every call with text.
func answers(tools, text string) func(*fake, *bufio.Reader, io.Writer) {
	return func(_ *fake, in *bufio.Reader, out io.Writer) {
		each(in, func(r request) {
			switch {
			case r.ID == nil || r.Method == "":
			case r.Method == "initialize":
				io.WriteString(
					out,
					`{"jsonrpc":"2.0","id":`+string(
						r.ID,
					)+`,"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"n","version":"1.4.2"}}}`+"\n",
				)
			case r.Method == "tools/list":
				io.WriteString(out,
					`{"jsonrpc":"2.0","id":`+string(r.ID)+`,"result":{"tools":`+tools+`}}`+"\n")
			case r.Method == "tools/call":
				io.WriteString(
					out,
					`{"jsonrpc":"2.0","id":`+string(
						r.ID)+`,"result":{"content":[{"type":"text","text":`+string(
						wire.Quote(text),
					)+`}]}}`+"\n",
				)
			default:
				io.WriteString(out, `{"jsonrpc":"2.0","id":`+string(r.ID)+`,"result":{}}`+"\n")
			}
		})
	}
}

// echo answers every line with itself.
func echo(_ *fake, in *bufio.Reader, out io.Writer) { io.Copy(out, in) }
