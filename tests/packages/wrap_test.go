package packages

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/tests/internal/built"
)

// What wrap has tried starts without any network, asks nobody, and a quarantined server is named.
func TestAWrappedConfigurationStartsOffline(t *testing.T) {
	u := newUser(t)
	u.publish("notes", notes())
	young := notes()
	young.published = time.Now().Add(-time.Hour)
	u.publish("young", young)
	file := filepath.Join(u.home, "mcp.json")
	if err := os.WriteFile(file, []byte(`{"mcpServers": {
		"a": {"command": "npx", "args": ["-y", "notes", "--x"]},
		"b": {"command": "npx", "args": ["-y", "young@1.0.0"]}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	out, said := u.mcpbox("", "wrap", "--yes", "--client", file)
	if !strings.Contains(out+said, "young@1.0.0 is quarantined: the version was published") {
		t.Errorf("wrap does not say that a server is quarantined:\n%s%s", out, said)
	}
	var config struct {
		MCPServers map[string]struct {
			Command string
			Args    []string
		}
	}
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &config)
	}
	if err != nil {
		t.Fatal(err)
	}
	asked := u.asked("notes") + u.asked("young")
	for name, offers := range map[string]bool{"a": true, "b": false} {
		server := config.MCPServers[name]
		if !slices.Contains(server.Args, "mcp") {
			t.Errorf("%s is not wrapped: %+v", name, server)
			continue
		}
		cmd := u.command(append([]string{"unshare", "--net", built.Mcpbox(t)}, server.Args...)...)
		cmd.Stdin = strings.NewReader(listTools)
		out, err := cmd.Output()
		if !strings.Contains(string(out), `"name":"notes"`) ||
			strings.Contains(string(out), `"add"`) != offers {
			t.Errorf("%s offline: %v\n%s", name, err, out)
		}
	}
	if u.asked("notes")+u.asked("young") != asked {
		t.Error("the registry was asked again")
	}
}
