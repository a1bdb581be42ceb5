package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// habits answers flags of docker, podman and bwrap with mcpbox's spelling. They are not accepted:
// some mean something slightly different.
var habits = []struct {
	flags  []string
	remedy string
}{
	{[]string{"rm"}, "leave it out: a sandbox is always removed at its end"},
	{[]string{"i", "interactive"}, "leave it out: stdin is always connected (-t gives a terminal)"},
	{[]string{"v", "volume"}, "--mount SRC:DST[:ro|rw]; it is read-only without :rw"},
	{[]string{"m"}, "--memory SIZE, e.g. --memory 512MiB"},
	{[]string{"u", "user", "uid", "gid"}, "leave it out: the program is always an ordinary user " +
		"inside, uid 1000, and never the host's root"},
	{[]string{"workdir", "chdir"}, "--dir DIR, as the program sees it; --workspace DIR shows a " +
		"folder as /work and starts there"},
	{[]string{"bind", "dev-bind", "bind-try"}, "--mount SRC:DST:rw"},
	{[]string{"ro-bind", "ro-bind-try"}, "--mount SRC:DST"},
	{[]string{"setenv"}, "--env NAME=VALUE"},
	{[]string{"env-file"}, "--env NAME passes one variable; environment.set in a policy file " +
		"sets many"},
	{[]string{"unsetenv", "clearenv"}, "leave it out: the environment is always clean, and --env " +
		"adds to it"},
	{[]string{"die-with-parent", "new-session", "init", "as-pid-1"},
		"leave it out: it is always so"},
	{[]string{"unshare-all", "unshare-user", "unshare-pid", "unshare-net", "unshare-ipc",
		"unshare-uts", "unshare-cgroup", "unshare-user-try", "unshare-cgroup-try",
		"disable-userns"},
		"leave it out: every sandbox has namespaces of its own"},
	{[]string{"cap-drop", "security-opt", "no-new-privileges"},
		"leave it out: there are never capabilities or new privileges"},
	{[]string{"cap-add", "privileged"},
		"there is no such thing: a sandbox never has privileges; --policy basic allows most " +
			"system calls"},
	{[]string{"read-only"}, "leave it out: only /work, /tmp and the home folder are writable"},
	{[]string{"proc", "dev", "tmpfs"}, "leave it out: /proc, /dev, /tmp and the home folder are " +
		"always the sandbox's own"},
	{[]string{"share-net", "net"}, "--network host, or --allow-net HOST for one host"},
	{[]string{"expose"}, "--publish PORT"},
	{[]string{"P", "publish-all"}, "--publish PORT, for each port"},
	{[]string{"d", "detach"}, "mcpbox serve keeps sandboxes in the background; a shell's & does " +
		"for one"},
	{[]string{"entrypoint"}, "give the program after --"},
	{[]string{"pids-limit"}, "--pids N"},
	{[]string{"memory-swap", "shm-size"}, "--memory SIZE: there is no swap, and shared memory " +
		"counts"},
	{[]string{"ulimit"}, "--open-files N, --file-size SIZE, --pids N, --cpu-time DUR"},
	{[]string{"stop-timeout"}, "--timeout DUR"},
	{[]string{"name", "hostname"}, "leave it out: `mcpbox mcp --name` names a server in events"},
	{[]string{"k", "c"}, "give the program after --: mcpbox run -- sh -c 'COMMAND'"},
}

// habit is the remedy for a flag that is another program's; "": it is not known.
func habit(cmd *cobra.Command, parser string) string {
	if cmd.Name() != "run" && cmd.Name() != "mcp" {
		return ""
	}
	name, long := strings.CutPrefix(parser, "unknown flag: --")
	if !long {
		m := regexp.MustCompile(`^unknown shorthand flag: '(.)' in -`).FindStringSubmatch(parser)
		if m == nil {
			return ""
		}
		name = m[1]
	}
	for _, h := range habits {
		if slices.Contains(h.flags, name) {
			return h.remedy
		}
	}
	return ""
}

// isPorts recognises docker's -p 8080:80, which is a policy here.
func isPorts(policy string) bool {
	return regexp.MustCompile(`^([0-9.]+:)?[0-9]+(:[0-9]+)?(/tcp)?$`).MatchString(policy)
}
