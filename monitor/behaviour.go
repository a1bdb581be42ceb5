package monitor

import (
	"cmp"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Thresholds of suspicious behaviour. Ordinary interpreters and servers stay far below them: they
// cause a few refusals at start.
const (
	burstRefusals = 50          // refusals …
	burstWindow   = time.Second // … within
	manySyscalls  = 20          // different refused syscalls in a run
	scanPIDs      = 20          // different target processes in a run
	stormBreaches = 10          // times that the pids limit was reached
	stormForks    = 20          // refused clones within burstWindow
	scanTargets   = 20          // different refused hosts, ports or names in a run
	portScanHosts = 3           // with at most this many hosts, it is a scan of ports
	burstFiles    = 500         // files made or removed …
	fileWindow    = 10 * time.Second
)

// behaviour detects patterns that single events do not show. The thresholds bound its memory: each
// set is emptied when its event is raised. If the set fills again, the event is raised again and
// folded.
type behaviour struct {
	refusals, forks window
	syscalls, pids  map[string]struct{}
	names, targets  map[string]struct{}
	breaches        int
	files           span
}

// observe returns the behaviour events that e triggers. e must be classified.
func (b *behaviour) observe(e Event, now time.Time) (out []Event) {
	raise := func(rule string, s Severity, reason string, n ...any) {
		out = append(out, Event{
			Type: SuspiciousBehavior, Severity: s, Rule: "builtin:" +
				rule, Reason: fmt.Sprintf(reason, n...),
			PID: e.PID, Comm: e.Comm, Call: e.Call, Count: 1, Action: string(Alert),
		})
	}
	if e.Limit != nil && e.Limit.Name == "pids" {
		if b.breaches += e.Count; b.breaches >= stormBreaches {
			b.breaches = 0
			raise("fork-storm", High, "reached the process limit %d times and continued to fork",
				stormBreaches)
		}
	}
	if !e.Type.refusal() {
		return out
	}
	if host, port := target(e); host != "" {
		b.scan(host, port, raise)
	}
	if e.Syscall == nil {
		return out
	}
	if b.refusals.add(now, e.Count, burstRefusals) {
		raise("refusal-burst", Medium, "%d refused calls within a second: it tries again and again",
			burstRefusals)
	}
	if add(&b.syscalls, e.Syscall.Name+" "+e.Syscall.Arch, manySyscalls) {
		raise("syscall-probing", High, "%d different calls refused: it probes the filter",
			manySyscalls)
	}
	switch e.Syscall.Name {
	case "clone", "clone3", "fork", "vfork":
		if e.Action != "ENOSYS" && b.forks.add(now, e.Count, stormForks) {
			raise("fork-storm", High, "%d refused attempts to make a process within a second",
				stormForks)
		}
	}
	for _, pid := range targets(e.Syscall) {
		if add(&b.pids, pid, scanPIDs) {
			raise("pid-scan", High, "targeted %d different processes", scanPIDs)
		}
	}
	return out
}

// scan checks the target of a refused look-up or connection. A name without a port is a look-up.
func (b *behaviour) scan(host, port string, raise func(string, Severity, string, ...any)) {
	if port == "" {
		if add(&b.names, host, scanTargets) {
			raise("name-scan", High, "looked up %d different names that are not allowed",
				scanTargets)
		}
		return
	}
	hosts := map[string]bool{host: true}
	for t := range b.targets {
		h, _, _ := strings.Cut(t, " ")
		hosts[h] = true
	}
	switch {
	case !add(&b.targets, host+" "+port, scanTargets):
	case len(hosts) <= portScanHosts:
		raise("port-scan", High, "tried %d different ports that are not allowed", scanTargets)
	default:
		raise("host-scan", High, "tried %d different hosts that are not allowed", len(hosts))
	}
}

// target returns the host and port of a refused connection, from package egress or from a system
// call.
func target(e Event) (host, port string) {
	if n := e.Network; n != nil {
		if n.Port == 0 {
			return n.Name, ""
		}
		return cmp.Or(n.Name, n.Address, "an address"), strconv.Itoa(n.Port)
	}
	if e.Syscall == nil || e.Syscall.Name != "connect" && e.Syscall.Name != "sendto" {
		return "", ""
	}
	for _, a := range e.Syscall.Args {
		if to, err := netip.ParseAddrPort(a); err == nil {
			return to.Addr().String(), strconv.Itoa(int(to.Port()))
		}
	}
	return "", ""
}

// file returns the events of a change in a writable mount.
func (b *behaviour) file(f File, now time.Time) (out []Event) {
	event := func(rule string, s Severity, reason string) Event {
		return Event{Type: SuspiciousBehavior, Severity: s, Rule: "builtin:" + rule,
			Reason: reason, Count: 1, Action: string(Alert)}
	}
	if why := fileReason(f.Kind); why != "" && f.Op != "removed" {
		e := event("file-"+f.Kind, High, why)
		e.File = &f
		out = append(out, e)
	}
	b.files.count, b.files.within = burstFiles, fileWindow
	if f.Op != "changed" && b.files.add(now, 1) {
		out = append(out, event("file-burst", Medium,
			fmt.Sprintf("made or removed %d files within %s", burstFiles, fileWindow)))
	}
	return out
}

func fileReason(kind string) string {
	switch kind {
	case "hook":
		return "wrote a Git hook or Git's configuration: Git runs what they say, on the host"
	case "profile":
		return "wrote a file that a shell on the host reads when it starts"
	case "executable":
		return "left an executable file in a folder of the host"
	}
	return ""
}

// window counts events in the last burstWindow. It has ten slots, so its size does not depend on
// the traffic.
type window struct {
	slots [10]int
	at    int64 // the newest slot
}

func (w *window) add(now time.Time, n, threshold int) bool {
	slot := now.UnixNano() / int64(burstWindow/10)
	for gap := min(slot-w.at, 10); gap > 0; gap-- {
		w.slots[(slot-gap+1)%10] = 0
	}
	w.at = max(w.at, slot)
	w.slots[w.at%10] += n
	sum := 0
	for _, v := range w.slots {
		sum += v
	}
	if sum < threshold {
		return false
	}
	w.slots = [10]int{}
	return true
}

// add adds s to the set. When the set reaches n entries, add empties it and returns true.
func add(set *map[string]struct{}, s string, n int) bool {
	if *set == nil {
		*set = make(map[string]struct{}, n)
	}
	(*set)[s] = struct{}{}
	if len(*set) < n {
		return false
	}
	clear(*set)
	return true
}

// targets returns the processes that a call refers to, by an argument or by a path below /proc.
func targets(s *Syscall) (out []string) {
	at := -1
	switch s.Name {
	case "kill", "tkill", "tgkill", "pidfd_open", "process_vm_readv", "process_vm_writev",
		"rt_sigqueueinfo", "rt_tgsigqueueinfo",
		"prlimit64", "get_robust_list", "kcmp", "move_pages", "migrate_pages",
		"sched_getaffinity", "sched_setaffinity":
		at = 0
	case "ptrace":
		at = 1
	}
	if at >= 0 && s.word(at) != 0 {
		out = append(out, strconv.Itoa(int(int32(s.word(at)))))
	}
	for _, p := range s.Paths {
		if rest, ok := strings.CutPrefix(p, "/proc/"); ok {
			pid, _, _ := strings.Cut(rest, "/")
			if pid != "" && strings.Trim(pid, "0123456789") == "" {
				out = append(out, pid)
			}
		}
	}
	return out
}
