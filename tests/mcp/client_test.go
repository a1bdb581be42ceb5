// Package mcp_test runs the built mcpbox as a client would: over its stdin and stdout.
package mcp_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/lockedbuf"
	"github.com/mcpbox/mcpbox/tests/internal/built"
)

// builtServers returns a folder with the test servers: $MCPBOX_SERVERS, for machines without Go, or
// a new one.
var builtServers = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv("MCPBOX_SERVERS"); dir != "" {
		return dir, nil
	}
	dir, err := os.MkdirTemp("", "mcpbox-servers-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-o", dir+"/", "./hostile", "./sdkserver")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("%v: %s", err, out)
	}
	return dir, os.Chmod(dir, 0o755)
})

func server(tb testing.TB, name string) string {
	tb.Helper()
	dir, err := builtServers()
	if err != nil {
		tb.Fatal(err)
	}
	return filepath.Join(dir, name)
}

// hostile returns the path of the server whose tools misbehave.
func hostile(tb testing.TB) string { return server(tb, "hostile") }

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, _ := builtServers(); dir != "" && os.Getenv("MCPBOX_SERVERS") == "" {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// session is a client's view of a server.
type session struct {
	tb     testing.TB
	cmd    *exec.Cmd
	in     io.WriteCloser
	lines  chan string // closed at the end of stdout
	policy string
	events string
	audit  string
	stderr *lockedbuf.Buffer
	next   int
	exited chan error
}

// proxied starts the hostile server under mcpbox, with the given mcp section and flags.
func proxied(tb testing.TB, rules string, flags ...string) *session {
	tb.Helper()
	bin := hostile(tb)
	dir := tb.TempDir()
	policy := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(policy, []byte("extends: standard\nmcp: "+rules+"\n"),
		0o600); err != nil {
		tb.Fatal(err)
	}
	s := &session{tb: tb, policy: policy, events: filepath.Join(dir, "events.jsonl"),
		audit: filepath.Join(dir, "audit.jsonl")}
	args := append([]string{"mcp", "-q", "--policy", policy, "--events", s.events, "--audit",
		s.audit, "--name", "hostile", "--mount", bin + ":/opt/hostile:ro"}, flags...)
	s.run(exec.Command(built.Mcpbox(tb), append(args, "--", "/opt/hostile")...))
	return s
}

// bare starts the hostile server without mcpbox.
func bare(tb testing.TB) *session {
	tb.Helper()
	s := &session{tb: tb}
	s.run(exec.Command(hostile(tb)))
	return s
}

func (s *session) run(cmd *exec.Cmd) {
	s.tb.Helper()
	s.cmd, s.stderr, s.lines, s.exited = cmd, &lockedbuf.Buffer{}, make(chan string, 16),
		make(chan error, 1)
	cmd.Stderr = s.stderr
	s.in, _ = cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}
	go func() {
		r := bufio.NewReaderSize(out, 1<<20)
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				break
			}
			s.lines <- strings.TrimSuffix(line, "\n")
		}
		close(s.lines)
		s.exited <- cmd.Wait()
	}()
	s.tb.Cleanup(func() {
		s.in.Close()
		cmd.Process.Kill()
		for range s.lines {
		}
		if s.tb.Failed() {
			s.tb.Logf("stderr: %s", s.stderr)
		}
	})
	s.next++
	s.say(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`)
	if got := s.hear(); !strings.Contains(got, `"protocolVersion"`) {
		s.tb.Fatalf("initialize: %s\n%s", got, s.stderr)
	}
	s.say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
}

func (s *session) say(line string) {
	s.tb.Helper()
	if _, err := io.WriteString(s.in, line+"\n"); err != nil {
		s.tb.Fatalf("%v\n%s", err, s.stderr)
	}
}

const patience = 30 * time.Second

func (s *session) hear() string {
	s.tb.Helper()
	select {
	case line, ok := <-s.lines:
		if !ok {
			s.tb.Fatalf("the server has ended\n%s", s.stderr)
		}
		return line
	case <-time.After(patience):
		s.tb.Fatalf("the client waits in vain\n%s", s.stderr)
		return ""
	}
}

// send makes a call and returns its id.
func (s *session) send(tool, args string) int {
	s.tb.Helper()
	id := s.next
	s.next++
	s.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, id, tool, args))
	return id
}

// call makes a call. It returns the answer, and the number of notifications before it.
func (s *session) call(tool, args string) (answer string, notifications int) {
	s.tb.Helper()
	id := s.send(tool, args)
	for {
		line := s.hear()
		var m struct {
			ID     *int
			Method string
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			s.tb.Fatalf("the client gets junk: %.200s", line)
		}
		if m.Method != "" {
			notifications++
			continue
		}
		if m.ID == nil || *m.ID != id {
			s.tb.Fatalf("the client gets an answer it did not wait for: %.200s", line)
		}
		return line, notifications
	}
}

// leave closes stdin, as a client does, and waits until the server has ended.
func (s *session) leave() error {
	s.tb.Helper()
	s.in.Close()
	select {
	case err := <-s.exited:
		return err
	case <-time.After(patience):
		s.tb.Fatal("it does not end after the client has left")
		return nil
	}
}

type event struct {
	Type, Severity, Rule, Reason, Action string
	Syscall                              *struct{ Name string }
	Call                                 *struct{ Server, Request, Tool string }
}

// recorded reads the event log. The session must be over.
func (s *session) recorded() (all []event) {
	s.tb.Helper()
	data, err := os.ReadFile(s.events)
	if err != nil {
		s.tb.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		var e event
		if line != "" && json.Unmarshal([]byte(line), &e) != nil {
			s.tb.Fatalf("event log: %s", line)
		}
		all = append(all, e)
	}
	return all
}
