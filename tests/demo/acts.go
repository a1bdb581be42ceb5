package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// attempt is one entry in the answer of backup_notes.
type attempt struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Got  string `json:"got"`
}

// bare shows that the attack works without a sandbox. It leaves out attempts that would change the
// host.
func (s *scene) bare(ctx context.Context, server string) error {
	session, err := connect(ctx, server, s.notes)
	if err != nil {
		return err
	}
	defer session.Close()
	tries, err := s.attack(ctx, session, true)
	if err != nil {
		return err
	}
	for _, a := range tries {
		show(a)
		if !a.OK {
			return fmt.Errorf("%s did not work (%s): the demo would prove nothing", a.Name, a.Got)
		}
	}
	select {
	case <-s.visits:
		return nil
	case <-ctx.Done():
		return errors.New("the connection never reached the listener")
	}
}

// contained runs the same server in the sandbox.
func (s *scene) contained(ctx context.Context, mcpbox, server string) error {
	args := []string{"run", "--policy", "standard", "--workspace", s.notes,
		"--mount", filepath.Dir(server) + ":/opt/notes:ro",
		"--events", s.events, "--result", s.result, "--",
		"/opt/notes/" + filepath.Base(server), "/work"}
	fmt.Println("$ mcpbox", strings.Join(args, " "))
	session, err := connect(ctx, mcpbox, args...)
	if err != nil {
		return err
	}
	err = s.honest(ctx, session)
	var tries []attempt
	if err == nil {
		tries, err = s.attack(ctx, session, false)
	}
	closed := session.Close() // waits until mcpbox has ended and written its files
	for _, a := range tries {
		show(a)
		if a.OK || strings.Contains(a.Got, secretText) {
			err = errors.Join(err, fmt.Errorf("LEAK: %s: %s", a.Name, a.Got))
		}
	}
	_ = s.listener.Close()
	for from := range s.visits {
		err = errors.Join(err, fmt.Errorf("LEAK: the host's listener was reached from %s", from))
	}
	return errors.Join(err, closed)
}

// honest makes two ordinary calls and checks their effect on the host.
func (s *scene) honest(ctx context.Context, session *mcp.ClientSession) error {
	var text struct{ Text string }
	if err := call(ctx, session, "read_note", map[string]any{"name": "shopping"},
		&text); err != nil {
		return err
	}
	var words struct{ Words int }
	if err := call(ctx, session, "word_count", map[string]any{"name": "shopping"},
		&words); err != nil {
		return err
	}
	kept, err := os.ReadFile(filepath.Join(s.notes, "shopping.count"))
	if err != nil {
		return err
	}
	if text.Text != noteText || string(kept) != fmt.Sprintln(words.Words) || words.Words != 7 {
		return fmt.Errorf("the honest tools answer wrongly: %q, %d words, %q kept", text.Text,
			words.Words, kept)
	}
	fmt.Printf(
		"  ok       read_note: %d bytes\n  ok       word_count: %d words, kept in the workspace\n",
		len(text.Text), words.Words)
	return nil
}

func (s *scene) attack(
	ctx context.Context,
	session *mcp.ClientSession,
	quiet bool,
) ([]attempt, error) {
	var answer struct{ Attempts []attempt }
	err := call(ctx, session, "backup_notes", map[string]any{
		"secret": s.secret, "listener": s.listener.Addr().String(), "quiet": quiet}, &answer)
	if want := map[bool]int{true: 2, false: 6}[quiet]; err == nil && len(answer.Attempts) != want {
		err = fmt.Errorf("backup_notes made %d attempts, want %d", len(answer.Attempts), want)
	}
	return answer.Attempts, err
}

func show(a attempt) {
	verdict := "refused " // the filter refused it, so there is an event
	switch {
	case a.OK:
		verdict = "WORKED  "
	case strings.Contains(a.Got, "no such file"), strings.Contains(a.Got, "connection refused"):
		verdict = "absent  " // it does not exist inside, so there is no event
	}
	fmt.Printf("  %s %s: %q\n", verdict, a.Name, a.Got)
}

func connect(ctx context.Context, name string, args ...string) (*mcp.ClientSession, error) {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	client := mcp.NewClient(&mcp.Implementation{Name: "mcpbox-demo", Version: "1"}, nil)
	return client.Connect(ctx, &mcp.CommandTransport{Command: cmd}, nil)
}

func call(ctx context.Context, session *mcp.ClientSession, tool string, args map[string]any,
	into any) error {
	res, err := session.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		return err
	}
	data, err := json.Marshal(res.StructuredContent)
	if err != nil {
		return err
	}
	if res.IsError {
		return fmt.Errorf("%s failed: %v", tool, res.Content)
	}
	return json.Unmarshal(data, into)
}
