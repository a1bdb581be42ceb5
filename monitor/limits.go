package monitor

import (
	"fmt"
	"strings"
	"time"
)

// classifyLimit gives a breach its type, severity, sentence and remedy.
func classifyLimit(e Event) Event {
	l := e.Limit
	typ, severity := ResourceLimitExceeded, Medium
	switch l.Name {
	case "timeout":
		typ = TimeoutExceeded
	case "cpus":
		severity = Low // throttled, as intended
	}
	if e.Type == "" || e.Type == SyscallBlocked {
		e.Type = typ
	}
	if e.Severity == "" {
		e.Severity = severity
	}
	if e.Reason == "" {
		e.Reason = limitReason(l)
	}
	if e.Hint == "" {
		e.Hint = "raise it with --" + strings.ReplaceAll(l.Name, "_", "-") + " or limits." + l.Name
	}
	return e
}

func limitReason(l *Limit) string {
	limit := limitAmount(l.Name, l.Value)
	switch l.Name {
	case "memory":
		return "used all of the memory it may have: " + limit
	case "pids":
		return "tried to run more processes and threads than it may: " + limit
	case "cpus":
		return "was slowed down to its share of the processors: " + limit
	case "timeout":
		return "ran longer than it may: " + limit
	case "cpu_time":
		return "used more processor time than it may: " + limit
	case "disk":
		return "filled its storage: " + limit
	case "file_size":
		return "tried to make a file larger than it may: " + limit
	case "open_files":
		return "tried to open more files than it may: " + limit
	case "output":
		return "wrote more output than it may: " + limit
	}
	return "passed the limit " + l.Name + ": " + limit
}

// limitAmount prints a limit in the unit a policy file uses.
func limitAmount(name string, v int64) string {
	switch name {
	case "memory", "disk", "file_size", "output", "network_bytes":
		return bytesText(v)
	case "timeout", "cpu_time":
		return (time.Duration(v) * time.Millisecond).String()
	case "cpus":
		return fmt.Sprintf("%g", float64(v)/1000)
	}
	return fmt.Sprint(v)
}

func bytesText(v int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	f, i := float64(v), 0
	for f >= 1024 && i < len(units)-1 {
		f /= 1024
		i++
	}
	return fmt.Sprintf("%.4g%s", f, units[i])
}
