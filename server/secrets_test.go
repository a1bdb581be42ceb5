package server_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/server/api"
)

// The operator says where a secret is and where it may go. A client names it in a policy, and its
// program gets a placeholder.
func TestSecretsOfTheOperator(t *testing.T) {
	dir := folder(t)
	write(t, filepath.Join(dir, "key"), "a-very-secret-key\n")
	d := start(t, dir, `secrets: {KEY: {from: "file:key", hosts: [api.example.test]}}`+"\n")
	policy := func(host, more string) json.RawMessage {
		return json.RawMessage(fmt.Sprintf(`{"version": 1, "extends": "standard",
			"network": {"mode": "allow", "allow": ["%s"]},
			"secrets": [{"name": "KEY", "hosts": ["%[1]s"], "header": "X-Key"%s}]}`, host, more))
	}
	x, err := d.Run(background(t), api.ExecutionRequest{Command: []string{"env"},
		Document: policy("api.example.test", "")})
	if err != nil {
		t.Fatal(err)
	}
	if out := x.Result.Stdout; !strings.Contains(out, "KEY=mcpbox_KEY_") ||
		strings.Contains(out, "very-secret") {
		t.Errorf("%+v", x.Result)
	}
	for what, c := range map[string]struct {
		document json.RawMessage
		want     string
	}{
		"another host": {policy("evil.example.test", ""), "it is only for api.example.test"},
		"a value":      {policy("api.example.test", `, "value": "x"`), "unknown key"},
		"a source":     {policy("api.example.test", `, "from": "file:/etc/shadow"`), "unknown key"},
	} {
		_, err := d.Run(background(t), api.ExecutionRequest{Command: []string{"env"},
			Document: c.document})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
