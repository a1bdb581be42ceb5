package trial

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// The test program is also the server, if an environment variable says so.
func TestMain(m *testing.M) {
	switch os.Getenv("TRIAL_SERVER") {
	case "good":
		s := mcp.NewServer(&mcp.Implementation{Name: "x", Version: "1"}, nil)
		mcp.AddTool(s, &mcp.Tool{Name: "one"}, func(context.Context, *mcp.CallToolRequest,
			struct{}) (*mcp.CallToolResult, any, error) {
			return nil, nil, nil
		})
		_ = s.Run(context.Background(), &mcp.StdioTransport{})
		os.Exit(0)
	case "silent":
		time.Sleep(time.Minute)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func server(kind string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TRIAL_SERVER="+kind)
	return cmd
}

func TestAServerListsItsTools(t *testing.T) {
	s, err := Start(t.Context(), server("good"))
	if err != nil || !slices.Equal(s.Tools, []string{"one"}) || s.Remarks != nil {
		t.Errorf("%+v, %v", s, err)
	}
}

// What mcpbox says about a server that works comes with the list of its tools.
func TestRemarksOfMcpboxAreReturnedWithTheirHints(t *testing.T) {
	cmd := exec.Command("sh", "-c", `echo 'mcpbox: not enforced on this host: x' >&2
echo 'mcpbox: p@1 is quarantined: young' >&2; echo 'mcpbox: hint: mcpbox trust' >&2
echo 'its own words' >&2; exec "$0"`, os.Args[0])
	cmd.Env = append(os.Environ(), "TRIAL_SERVER=good")
	s, err := Start(t.Context(), cmd)
	want := []string{"p@1 is quarantined: young (hint: mcpbox trust)"}
	if err != nil || !slices.Equal(s.Remarks, want) {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestAFailureIsReportedInTheServersWords(t *testing.T) {
	for script, want := range map[string]string{
		"echo on >&2; echo 'Error: no token' >&2; echo at x.js:1 >&2; exit 1": "Error: no token",

		"echo 'one last word' >&2; exit 1": "one last word",

		"exit 3": "it ended without an answer",

		"echo 'mcpbox: not enforced on this host: x' >&2; echo 'mcpbox: x: not found' >&2; " +
			"echo 'mcpbox: hint: do y' >&2; exit 127": "x: not found",
	} {
		_, err := Start(t.Context(), exec.Command("sh", "-c", script))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", script, err)
		}
		if want == "x: not found" && hint.Of(err) != "do y" {
			t.Errorf("hint %q", hint.Of(err))
		}
	}
}

func TestASilentServerIsEnded(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	cmd := server("silent")
	if _, err := Start(ctx, cmd); err == nil || err.Error() != "it did not answer in time" {
		t.Error(err)
	}
}

func Example() {
	// The command is started as it is: put mcpbox in front of it.
	_, err := Start(context.Background(), exec.Command("sh", "-c", "echo no token >&2; exit 1"))
	os.Stdout.WriteString(err.Error())
	// Output: no token
}
