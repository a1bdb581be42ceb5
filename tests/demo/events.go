package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/mcpbox/mcpbox/monitor"
)

// showEvents prints the event log and checks that every refused call of the attack is in it.
func (s *scene) showEvents() error {
	file, err := os.Open(s.events)
	if err != nil {
		return err
	}
	defer file.Close()
	wanted := map[string]bool{"ptrace": true, "mount": true, "unshare": true}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fmt.Println(lines.Text())
		var e monitor.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return err
		}
		if e.Syscall != nil {
			delete(wanted, e.Syscall.Name)
		}
	}
	for name := range wanted {
		err = errors.Join(err, fmt.Errorf("no event of the refused %s", name))
	}
	return err
}

// showReport prints what `mcpbox report` makes of the result; a report that finds
// nothing grave in all this would be wrong.
func (s *scene) showReport(ctx context.Context, mcpbox string) error {
	cmd := exec.CommandContext(ctx, mcpbox, "report", s.result)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	fmt.Print(string(out))
	if err != nil {
		return err
	}
	if text := strings.ToLower(string(out)); !strings.Contains(text, "high") && !strings.Contains(text, "critical") {
		return errors.New("the report does not call the risk high or critical")
	}
	return nil
}
