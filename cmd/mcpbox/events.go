package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/cmd/mcpbox/daemon"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/server/api"
)

// eventFilter is what of a log is shown.
type eventFilter struct {
	typ, severity string
	follow, json  bool
	daemon        daemon.Asking
}

func newEventsCmd() *cobra.Command {
	var f eventFilter
	cmd := &cobra.Command{
		Use:   "events [FILE|-]",
		Short: "Show an event log, or the daemon's events, newest last",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return oneFile("mcpbox events events.jsonl")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if len(args) == 0 {
				return f.askDaemon(cmd)
			}
			if f.follow {
				return f.followFile(cmd, args[0])
			}
			return f.showFile(cmd, args[0])
		},
	}
	cmd.Flags().StringVar(&f.typ, "type", "", "only events of this type")
	cmd.Flags().StringVar(&f.severity, "severity", "",
		"only events of this severity or higher: low, medium, high, critical")
	cmd.Flags().BoolVarP(&f.follow, "follow", "f", false,
		"wait for new events; a repeated event is printed again with its count")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the events as JSON lines")
	f.daemon.Register(cmd)
	return cmd
}

func (f *eventFilter) check() error {
	if f.typ != "" && !monitor.Type(f.typ).Valid() {
		return hint.Errorf("use one of: syscall_blocked, resource_limit_exceeded, "+
			"escape_attempt, permission_denied, suspicious_behavior, timeout_exceeded",
			"unknown event type %q", f.typ)
	}
	if f.severity != "" && !monitor.Severity(f.severity).Valid() {
		return hint.Errorf("use one of: low, medium, high, critical", "unknown severity %q",
			f.severity)
	}
	return nil
}

func (f *eventFilter) show(w io.Writer, e monitor.Event) error {
	if f.typ != "" && string(e.Type) != f.typ || !e.Severity.AtLeast(monitor.Severity(f.severity)) {
		return nil
	}
	line := []byte(fitted(e.Row(), columns(w)) + "\n")
	if f.json {
		var err error
		if line, err = e.Line(); err != nil {
			return err
		}
	}
	_, err := coloured(w).Write(line)
	return err
}

// askDaemon shows the events of mcpbox serve.
func (f *eventFilter) askDaemon(cmd *cobra.Command) error {
	c, err := f.daemon.Dial()
	if err != nil {
		return err
	}
	q := url.Values{"limit": {"1000"}}
	if !f.follow {
		page, err := c.Events(cmd.Context(), q)
		if err != nil && hint.Of(err) != "" {
			return hint.Wrap(err, "to read a log, name its file: mcpbox events FILE; for the "+
				"daemon's events, start it: mcpbox serve")
		}
		for err == nil && len(page.Events) > 0 {
			for _, e := range page.Events {
				if err := f.show(cmd.OutOrStdout(), e.Event); err != nil {
					return err
				}
			}
			q.Set("after", strconv.FormatInt(page.Next, 10))
			page, err = c.Events(cmd.Context(), q)
		}
		return err
	}
	err = c.Follow(cmd.Context(), q, func(e api.Event) error {
		return f.show(cmd.OutOrStdout(),
			e.Event)
	})
	if errors.Is(err, io.EOF) {
		return nil // the daemon has ended
	}
	return err
}

func (f *eventFilter) showFile(cmd *cobra.Command, name string) error {
	in, err := openInput(cmd, name)
	if err != nil {
		return err
	}
	defer in.Close()
	events, bad, err := monitor.ReadEvents(in)
	if err != nil {
		return err
	}
	for _, e := range events {
		if err := f.show(cmd.OutOrStdout(), e); err != nil {
			return err
		}
	}
	warnBad(cmd, name, bad)
	if len(events) == 0 && bad > 0 {
		return hint.Errorf("give it a file that --events wrote", "%s: not an event log", name)
	}
	return nil
}

// followFile polls: an event log may lie on a file system that tells nobody of changes.
func (f *eventFilter) followFile(cmd *cobra.Command, name string) error {
	in, err := openInput(cmd, name)
	if err != nil {
		return err
	}
	defer in.Close()
	for log := monitor.NewReader(in); ; {
		e, err := log.Next()
		switch {
		case err == nil:
			if err := f.show(cmd.OutOrStdout(), e); err != nil {
				return err
			}
		case errors.Is(err, io.EOF) && name == "-":
			return nil // standard input doesn't grow again
		case errors.Is(err, io.EOF):
			time.Sleep(100 * time.Millisecond)
		default:
			return fmt.Errorf("read events: %w", err)
		}
	}
}
