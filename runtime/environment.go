package runtime

import (
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/rootfs"
	"github.com/mcpbox/mcpbox/runtime/internal/verify"
)

// environment is what the tool gets: a fixed base, what the policy passes and sets, what the call adds; later ones win.
// t says which limits no cgroup tells of.
func environment(p *policies.Policy, cmd Command, t *tree) []string {
	e := p.Environment
	vars := map[string]string{
		"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": rootfs.Home, "USER": "user", "LOGNAME": "user",
		"SHELL": "/bin/sh", "LANG": "C.UTF-8", "MCPBOX": "1",
	}
	if cmd.TTY {
		vars["TERM"] = "xterm-256color"
		if t := os.Getenv("TERM"); t != "" {
			vars["TERM"] = t
		}
	}
	if !t.enforcedByCgroup("memory") {
		heapSizes(vars, int64(p.Limits.Memory))
	}
	threadCount(vars, p.Limits.CPUs)
	for _, name := range e.Pass {
		if v, ok := os.LookupEnv(name); ok {
			vars[name] = v
		}
	}
	for name, v := range e.Set {
		vars[name] = v
	}
	for _, kv := range cmd.Env {
		if name, v, ok := strings.Cut(kv, "="); ok {
			vars[name] = v
		}
	}
	out := make([]string, 0, len(vars))
	for name, v := range vars {
		out = append(out, name+"="+v)
	}
	sort.Strings(out)
	return out
}

// callerUmask reads the caller's file mode mask, which umask(2) can't without setting it. proc_pid_status(5), Linux ≥ 4.7
func callerUmask() uint32 {
	if data, err := os.ReadFile("/proc/self/status"); err == nil {
		if mask, err := strconv.ParseUint(verify.Status(data)["Umask"], 8, 32); err == nil {
			return uint32(mask)
		}
	}
	return 0o022
}
