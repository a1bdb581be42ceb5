// Package monitor makes security events from refused system calls and broken limits. It classes
// them (escape attempt, permission denied, suspicious behaviour …), folds repeats, applies the
// policy's rules, and passes the events to sinks.
//
//	file, err := monitor.OpenJSONL("events.jsonl")
//	rec, err := monitor.New(monitor.Config{Sandbox: id, Policy: p.Name, Rules: p.Rules,
//		Sinks:   []monitor.Sink{file},
//		Respond: func(monitor.Action, monitor.Event) { sandbox.Kill() }})
//	rec.Record(monitor.Event{Syscall: &monitor.Syscall{Name: "ptrace", …}, Action: "EPERM"})
//	stats := rec.Close(ctx)
//
// # Folding
//
// Events that differ only in numbers, addresses, time and pid are one event with a count. A line is
// written when an event is first seen, when its count passes 10, 100, 1000 …, when a rule changes
// it, and at Close with the final count. All lines of one event have the same id. A reader keeps
// the last line of each id.
//
// # Bounds
//
// A tool that varies its calls can neither fill the disk nor hide among its own events. After 64
// variants of one syscall, events that differ only in arguments are folded. Each new event takes a
// token. There are 1024 tokens, and one more each second; the last 256 are reserved for high and
// critical events. An event without a token is dropped, counted in Stats.Dropped, and reported by
// one event of its own. Detection and rules see every event, dropped or not.
//
// # What it does not protect
//
// It protects nothing itself: it only sees what the layers refuse and report. A syscall that the
// policy allows is not an event, whatever it was used for. Detection by name and path helps the
// reader; it is not the protection.
//
// Kernel: none. Names and classes follow syscalls(2), proc(5), cgroups(7) and capabilities(7).
package monitor
