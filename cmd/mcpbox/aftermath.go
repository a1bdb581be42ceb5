package main

import (
	"cmp"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/internal/leftover"
	"github.com/mcpbox/mcpbox/internal/netseen"
	"github.com/mcpbox/mcpbox/internal/plural"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/internal/steady"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/rootfs"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// aftermath says what a user who sees only a failure can't know: that an argument names what only
// the host has, that there is no network, that files went with the sandbox. Each with the flag. An
// attempt to reach a network is also an event.
type aftermath struct {
	f       *sandboxFlags
	policy  *policies.Policy
	process *mcpruntime.Process
	dirs    *leftover.Folders

	mu                sync.Mutex
	net               *netseen.Namespace // nil: the host's, or closed
	connects, lookups uint64             // attempts that were reported
	listen            []netip.AddrPort
}

// aftermath begins before the program's first instruction. It is nil where there is nothing to say.
func (f *sandboxFlags) aftermath(p *mcpruntime.Process, policy *policies.Policy) *aftermath {
	if policy.Isolation == policies.IsolationNone {
		return nil
	}
	a := &aftermath{f: f, policy: policy, process: p}
	if policy.Network.Mode != policies.NetworkHost {
		a.net, _ = netseen.Open(filepath.Dir(p.Root()))
	}
	if f.quiet {
		a.dirs = leftover.Open(nil)
		return a
	}
	var places []leftover.Place
	for _, dir := range []string{rootfs.Home, rootfs.Work, "/tmp"} {
		if !slices.ContainsFunc(policy.Filesystem.Mounts, func(m policies.Mount) bool {
			return m.Target == dir
		}) {
			places = append(places, leftover.Place{Path: dir, Host: p.Root() + dir})
		}
	}
	a.dirs = leftover.Open(places)
	return a
}

// close lets go of the sandbox.
func (a *aftermath) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.net != nil {
		a.net.Close()
		a.net = nil
	}
	a.dirs.Close()
}

// watch looks at the network while a server runs: its client may keep it for days.
func (a *aftermath) watch(done <-chan struct{}) {
	const often, soon = time.Second, time.Minute
	for began := time.Now(); ; {
		wait := often
		if time.Since(began) > soon {
			wait = 5 * often
		}
		select {
		case <-done:
			return
		case <-time.After(wait):
			a.network()
		}
	}
}

// network reports attempts to reach a network, the first one also in words, and names what listens.
func (a *aftermath) network() {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.net == nil {
		return
	}
	if a.policy.Network.Mode == policies.NetworkNone {
		a.tried(a.net.Tried())
	}
	if a.f.quiet || len(a.policy.Network.Publish) > 0 {
		return
	}
	for _, l := range a.net.Listening() {
		if !a.isOurs(l) && !slices.Contains(a.listen, l) && len(a.listen) < 3 {
			a.listen = append(a.listen, l)
			a.say("it listens on %s inside, which no browser of the host reaches (an OAuth "+
				"callback?): --publish %d", l, l.Port())
		}
	}
}

// isOurs reports whether mcpbox listens there, for the hosts that a policy allows.
func (a *aftermath) isOurs(l netip.AddrPort) bool {
	const nameServer = 53
	return a.policy.Network.Mode == policies.NetworkAllow && (l.Port() == nameServer ||
		slices.Contains(a.policy.Network.ListenPorts(), int(l.Port())))
}

// tried reports the attempts that are new since the last call.
func (a *aftermath) tried(connects, lookups uint64) {
	const allow = "--allow-net HOST allows one host, --network host all"
	for _, t := range []struct {
		now      uint64
		reported *uint64
		what     string
		action   string
	}{
		{lookups, &a.lookups, "look up a name", "ECONNREFUSED"},
		{connects, &a.connects, "connect to an address", "ENETUNREACH"},
	} {
		if t.now <= *t.reported {
			continue
		}
		if a.lookups+a.connects == 0 && !a.f.quiet {
			a.say("it tried to %s, and the sandbox has no network: %s", t.what, allow)
		}
		// The kernel's counter has no more than the number.
		a.process.Record(monitor.Event{Type: monitor.PermissionDenied, Severity: monitor.Low,
			Rule: monitor.RuleNoNetwork, Action: t.action, Count: int(t.now - *t.reported),
			Reason: "it tried to " + t.what + ", and the sandbox has no network", Hint: allow})
		*t.reported = t.now
	}
}

// end looks at what is left when the program has ended.
func (a *aftermath) end() {
	var parts []string
	keep := map[string]string{rootfs.Home: "--home DIR", rootfs.Work: "--workspace DIR",
		"/tmp": "--mount DIR:/tmp:rw"}
	for _, f := range a.dirs.Found() {
		what := f.Path + "/" + safetext.Clean(f.First, 60)
		if f.Files > 1 {
			what += " and " + plural.Of(f.Files-1, "more file")
		}
		parts = append(parts, what+" ("+keep[f.Path]+" keeps it)")
	}
	if len(parts) > 0 {
		a.say("gone with the sandbox: %s", strings.Join(parts, ", "))
	}
}

func (a *aftermath) say(format string, args ...any) {
	fmt.Fprintf(steady.File(a.f.who().stderr), "mcpbox: "+format+"\n", args...)
}

// tellArgument says which argument of a command that has failed is only on the host.
func (f *sandboxFlags) tellArgument(spec mcpruntime.Spec, cmd mcpruntime.Command) {
	if f.quiet || spec.Policy.Isolation == policies.IsolationNone {
		return
	}
	_ = f.who().in(func() error {
		plan, err := mcpruntime.NewPlan(mcpruntime.Spec{Policy: spec.Policy,
			BestEffort: spec.BestEffort})
		if err != nil {
			return err
		}
		wd, err := os.Getwd()
		if err != nil {
			return err
		}
		if h := plan.OnlyOnHost(cmd, wd); h != "" {
			fmt.Fprintf(steady.File(f.who().stderr), "mcpbox: hint: %s\n", safetext.Clean(h, 400))
		}
		return nil
	})
}

// tellVariables names the variables that the client has set for the server, and that the server did
// not get: those that the client itself does not have.
func (f *mcpFlags) tellVariables(policy *policies.Policy) {
	const most = 8
	names := notPassed(os.Environ(), parentEnviron(), f.env, policy.Environment)
	if len(names) == 0 || f.quiet {
		return
	}
	var flags []string
	for _, n := range names[:min(len(names), most)] {
		flags = append(flags, "--env "+n)
	}
	fmt.Fprintf(steady.File(os.Stderr), "mcpbox: hint: the client set variables that the server "+
		"did not get; "+
		"to pass them: %s\n", safetext.Clean(strings.Join(flags, " "), 400))
}

func parentEnviron() []string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", os.Getppid()))
	if err != nil {
		return nil
	}
	return strings.Split(string(data), "\x00")
}

// notPassed are the names that are in ours, with a value that the client's own environment does not
// have, and that nothing passes on.
func notPassed(ours, clients, flags []string, e policies.Environment) (names []string) {
	if clients == nil {
		return nil
	}
	for _, kv := range ours {
		name, _, _ := strings.Cut(kv, "=")
		if name == "" || slices.Contains(clients, kv) || slices.Contains(e.Pass, name) ||
			slices.Contains(usualVariables, name) || strings.HasPrefix(name, "npm_") {
			continue
		}
		if _, set := e.Set[name]; set || slices.ContainsFunc(flags, func(f string) bool {
			return f == name || strings.HasPrefix(f, name+"=")
		}) {
			continue
		}
		names = append(names, name)
	}
	slices.SortFunc(names, cmp.Compare)
	return slices.Compact(names)
}

// usualVariables differ between a process and its parent without anybody's meaning to.
var usualVariables = []string{"_", "PWD", "OLDPWD", "SHLVL", "PATH", "HOME", "USER", "LOGNAME",
	"SHELL", "TERM", "LANG", "COLUMNS", "LINES", "TMPDIR", "HOSTNAME"}
