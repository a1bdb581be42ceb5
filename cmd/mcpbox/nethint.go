package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/mcpbox/mcpbox/monitor"
)

// netHint says, once a run, how to allow the first host that was refused.
type netHint struct {
	w    io.Writer
	said bool
}

func (h *netHint) Emit(e monitor.Event) error {
	if h.said || e.Network == nil || e.Type != monitor.PermissionDenied || !strings.Contains(
		e.Hint, "--allow-net") {
		return nil
	}
	h.said = true
	_, err := fmt.Fprintf(h.w, "mcpbox: hint: %s\n", e.Hint)
	return err
}

// worded is a sink without the events that aftermath says in words.
type worded struct{ monitor.Sink }

func (s worded) Emit(e monitor.Event) error {
	if e.Rule == monitor.RuleNoNetwork {
		return nil
	}
	return s.Sink.Emit(e)
}

func (h *netHint) Close() error { return nil }
