package integration

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/tests/internal/built"
)

func (f *firstMinutes) command(name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(f.t.Context(), 2*time.Minute)
	f.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = f.home
	cmd.Env = append(os.Environ(), "HOME="+f.home, "XDG_CONFIG_HOME=", "XDG_DATA_HOME=",
		"GEMINI_CLI_TRUST_WORKSPACE=true", "NO_COLOR=1",
		"MCPORTER_DISABLE_KEEPALIVE=*") // mcporter would keep browsers in a daemon
	return cmd
}

func (f *firstMinutes) must(name string, args ...string) string {
	f.t.Helper()
	out, err := f.command(name, args...).CombinedOutput()
	if err != nil {
		f.t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// healthChecks are clients with a check that starts every server of a configuration.
var healthChecks = []struct {
	client, file string
	check        []string // a script of the clients' packages, and its arguments
	healthy      string   // in the line of a server that has answered
}{
	{"claude-code", ".claude.json", []string{"@anthropic-ai/claude-code/cli-wrapper.cjs",
		"mcp", "list"}, "Connected"},
	{"gemini", ".gemini/settings.json", []string{".bin/gemini", "mcp", "list"}, "Connected"},
	{"mcporter", "config/mcporter.json", []string{".bin/mcporter", "list"}, "tool"},
}

// areHealthy wraps the servers in each client's configuration, asks the client, and unwraps. wrap
// does not try the servers itself: the client does.
func (f *firstMinutes) areHealthy(t *testing.T) {
	mcpbox := built.Mcpbox(t)
	for _, c := range healthChecks {
		t.Run(c.client, func(t *testing.T) {
			_, now := f.config(c.file)
			said := f.must(mcpbox, "wrap", "--no-check", "--client", c.client)
			if n := strings.Count(said, ": wrapped\n"); n != len(f.servers) {
				t.Fatalf("%d of %d servers wrapped\n%s", n, len(f.servers), said)
			}
			wrapped := now()
			health := f.must("node", append([]string{filepath.Join(f.clients, c.check[0])},
				c.check[1:]...)...)
			for _, s := range f.servers {
				if !healthy(health, s.name, c.healthy) {
					t.Errorf("%s is not healthy\n%s\n%s", s.name, health, wrapped)
				}
			}
			f.must(mcpbox, "unwrap", "--client", c.client)
			if n := strings.Count(now(), mcpbox); n != 0 {
				t.Errorf("mcpbox is still there %d times\n%s", n, now())
			}
		})
	}
}

// What `mcpbox wrap` writes leaves every server healthy, as the clients' own health checks see it.
func TestWrappedServersAreHealthyInTheirClients(t *testing.T) {
	newFirstMinutes(t).areHealthy(t)
}

// healthy reports whether a line of a health check is about the server, and says what it should.
func healthy(check, server, what string) bool {
	for line := range strings.Lines(check) {
		words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == ':' })
		for _, w := range words {
			if w == server && strings.Contains(line, what) {
				return true
			}
		}
	}
	return false
}

// What a plain wrap writes is enough for the servers' work: each answers, and changes what it is
// for.
func TestWrappedServersDoTheirWork(t *testing.T) {
	f := newFirstMinutes(t)
	config := filepath.Join(f.home, "mcp.json")
	before, now := f.config("mcp.json")
	mcpbox := built.Mcpbox(t)
	f.must(mcpbox, "wrap", "--client", config)
	for _, c := range f.servers {
		t.Run(c.name, func(t *testing.T) {
			if answer := f.callAll(t, now(), c); !strings.Contains(answer, c.want) {
				t.Errorf("no %q in %s", c.want, answer)
			}
			if c.wrote == "" {
				return
			}
			if st, err := os.Stat(filepath.Join(f.home, c.wrote)); err != nil || st.Size() == 0 {
				t.Errorf("%s: %v", c.wrote, err)
			}
		})
	}
	f.must(mcpbox, "unwrap", "--client", config)
	if now() != before {
		t.Errorf("not as before:\n%s", now())
	}
}

// Servers that drive Chromium need more processes and memory than standard gives. wrap knows them.
func TestWrapGivesServersForChromiumTheirPolicy(t *testing.T) {
	f := newFirstMinutes(t)
	f.config("mcp.json")
	said := f.must(built.Mcpbox(t), "wrap", "--no-check", "--client", filepath.Join(f.home,
		"mcp.json"))
	for _, c := range f.servers {
		_, own, _ := strings.Cut(said, "  "+c.name+": wrapped\n")
		own, _, _ = strings.Cut(own, ": wrapped\n")
		if has := strings.Contains(own, "--policy browser"); has != (c.flags != "") {
			t.Errorf("%s:\n%s", c.name, own)
		}
	}
}
