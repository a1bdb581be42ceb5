// Package monitor turns what the kernel refused and which limits broke into security events: it classes them
// (escape attempt, permission denied, suspicious behaviour …), folds repeats, applies the policy's rules, and hands
// the events to sinks.
//
//	file, err := monitor.OpenJSONL("events.jsonl")
//	rec, err := monitor.New(monitor.Config{Sandbox: id, Policy: p.Name, Rules: p.Rules,
//		Sinks: []monitor.Sink{file}, Respond: func(a monitor.Action, e monitor.Event) { sandbox.Kill() }})
//	rec.Record(monitor.Event{Syscall: &monitor.Syscall{Name: "ptrace", …}, Action: "EPERM"})
//	stats := rec.Close(ctx)
//
// Folding. Events that differ only in numbers, addresses, time and pid are one event with a count. A line is
// emitted when an event is first seen, when its count passes 10, 100, 1000 …, when a rule changes it, and with the
// final count at Close. All lines of one event carry the same id: a reader keeps the last line of each id.
//
// Bounds. A tool that varies what it does can neither fill the disk nor hide among its own noise: beyond 64 variants
// of one syscall the arguments are folded away; new events spend tokens (1024, one more each second), the last 256 of
// which are kept for high and critical ones; what finds no token is dropped, counted in Stats.Dropped, and reported
// as one event of its own. Detection and rules see every event, dropped or not.
//
// It does not contain anything: it sees only what the layers refused and report. A syscall that the policy allows is
// not an event, whatever it was used for. Detection by name and path is a help to the reader, never the wall.
//
// It needs no kernel feature. Names and classes follow syscalls(2), proc(5), cgroups(7) and capabilities(7).
package monitor
