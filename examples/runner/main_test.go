package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/pool"
)

func TestCommandsRunInCells(t *testing.T) {
	testhost.Need(t, "sandbox")
	policy, err := policies.Preset("standard")
	if err != nil {
		t.Fatal(err)
	}
	p := pool.New(pool.Config{BestEffort: true})
	defer p.Close()
	for _, c := range []struct {
		body string
		code int
		want string
	}{
		{`["sh", "-c", "echo $HOME; exit 3"]`, 200, `"output":"/home/user\n"`},
		{`["sh", "-c", "exit 3"]`, 200, `"exit_code":3`},
		{`["unshare", "-m", "true"]`, 200, `"unshare"`}, // the event
		{`["no-such-program"]`, 422, "not found"},
		{`"ls"`, 400, "the words of a command"},
	} {
		w := httptest.NewRecorder()
		handler(p, policy)(w, httptest.NewRequest(http.MethodPost, "/run",
			strings.NewReader(c.body)))
		if got := w.Body.String(); w.Code != c.code || !strings.Contains(got, c.want) {
			t.Errorf("%s: %d %s", c.body, w.Code, got)
		}
	}
}
