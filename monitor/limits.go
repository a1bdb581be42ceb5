package monitor

import (
	"fmt"
	"strings"
	"time"
)

// classifyLimit gives a broken limit its type, severity, reason and hint.
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
		return "reached the memory limit: " + limit
	case "pids":
		return "reached the limit of processes and threads: " + limit
	case "cpus":
		return "was slowed down to its CPU limit: " + limit
	case "timeout":
		return "ran longer than its time limit: " + limit
	case "cpu_time":
		return "used more CPU time than its limit: " + limit
	case "disk":
		return "filled the storage of the sandbox: " + limit
	case "file_size":
		return "tried to write a file larger than the limit: " + limit
	case "open_files":
		return "tried to open more files than the limit: " + limit
	case "output":
		return "wrote more output than the limit: " + limit
	}
	return "reached the limit " + l.Name + ": " + limit
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
