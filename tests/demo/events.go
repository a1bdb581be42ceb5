package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/mcpbox/mcpbox/monitor"
)

// showEvents prints the event log, and checks that it has every refused call of the attack.
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
		err = errors.Join(err, fmt.Errorf("no event for the refused %s", name))
	}
	return err
}

// showReport prints the output of `mcpbox report`. It is an error if the report finds no high risk.
func (s *scene) showReport(ctx context.Context, mcpbox string) error {
	text := exec.CommandContext(ctx, mcpbox, "report", s.result)
	text.Stdout, text.Stderr = os.Stdout, os.Stderr
	if err := text.Run(); err != nil {
		return err
	}
	data, err := exec.CommandContext(ctx, mcpbox, "report", "--json", s.result).Output()
	if err != nil {
		return err
	}
	var report struct{ Risk monitor.Severity }
	if err := json.Unmarshal(data, &report); err != nil {
		return err
	}
	if report.Risk != monitor.High && report.Risk != monitor.Critical {
		return fmt.Errorf("the report calls the risk %q, want high or critical", report.Risk)
	}
	return nil
}
