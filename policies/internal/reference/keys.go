package reference

import "strings"

// keyDoc documents one key of a policy file. The JSON Schema and docs/POLICY.md are made of this
// table.
type keyDoc struct {
	path    string // [] stands for an entry of a list, or for a name that the file chooses
	what    string
	unset   string // what holds if neither the file nor what it extends has the key
	example string // the value, as YAML on one line
}

// keys are in the order of the fields of Policy. An array of constants costs nothing at start.
var keys = [...]keyDoc{
	{"version", "The version of the format. This mcpbox knows version 1.", "1", "1"},
	{"name", "The policy's name, shown in events and results.", "the file's name", "notes-server"},
	{"description", "One line about the policy, shown by `mcpbox policy list` and `explain`.", "",
		"what the notes server needs"},
	{"extends", "The policy that this one starts from: a preset (none, basic, browser, standard, " +
		"strict, " +
		"maximum) or a file. A file's path is relative to this file and has a slash or a dot in " +
		"it: " +
		"./base.yaml.", "nothing: no syscall is allowed, no limit is set", "standard"},
	{"isolation", "`sandbox` runs the tool in a sandbox. `none` runs it bare, for comparison.",
		"sandbox", "sandbox"},
	{"require", "Layers that must be enforced. On a host that lacks one, nothing starts (exit " +
		"code " +
		"125), unless the command line says `--best-effort`.", "none", "[seccomp, landlock]"},

	{"filesystem", "What the tool sees of the host's files.", "", ""},
	{"filesystem.rootfs", "A folder that becomes the root file system, read-only, in place of " +
		"the " +
		"host's /usr and its links.", "the host's /usr", "/srv/alpine"},
	{"filesystem.mounts", "Files and folders of the host that are bound into the sandbox.", "none",
		"[{source: ./notes, target: /work, mode: rw}]"},
	{"filesystem.mounts[].source", "The path on the host. It is relative to this file; ~ is the " +
		"caller's home.", "required", ""},
	{"filesystem.mounts[].target", "The absolute path inside the sandbox.", "required", ""},
	{"filesystem.mounts[].mode", "`ro`: read-only. `rw`: the tool can change what is there.", "ro",
		""},
	{"filesystem.hidden", "Absolute paths inside the sandbox that appear empty.", "none",
		"[/usr/share/doc]"},
	{"filesystem.folders", "Empty folders that are made in the sandbox's own storage, for the " +
		"tool to " +
		"write in: below /work, /tmp or /home/user.", "none", "[/work/out]"},

	{"syscalls", "Which system calls the tool may make.", "", ""},
	{"syscalls.default", "`deny`: only the calls in `allow` are allowed. `allow`: every call is " +
		"allowed except those in `deny`.", "deny", "deny"},
	{"syscalls.allow", "System calls that are allowed. An entry is a call's name, a group " +
		"(@file-system: " +
		"the groups have systemd's names), or {names, args, why}.", "none",
		`["@file-system", memfd_create]`},
	{"syscalls.allow[].names", "Calls and groups that the rule is for.", "required", ""},
	{"syscalls.allow[].args", "Conditions on the arguments. The rule applies if all of them hold.",
		"none: the rule applies to every call", ""},
	{"syscalls.allow[].args[].index", "The argument: 0 is the first, 5 the last.", "required", ""},
	{"syscalls.allow[].args[].op", "`eq`, `ne`, `lt`, `le`, `gt`, `ge`, or `masked_eq` " +
		"(argument & mask == value).", "required", ""},
	{"syscalls.allow[].args[].value", "A number, or names of the kernel's constants: AF_UNIX, " +
		"CLONE_NEWUSER|CLONE_NEWNS.", "required", ""},
	{"syscalls.allow[].args[].mask", "For `masked_eq`: the bits that are compared. Like value.", "",
		""},
	{"syscalls.allow[].why", "The reason for the rule, for readers and for `mcpbox policy " +
		"explain`.",
		"", ""},
	{"syscalls.deny", "System calls that are refused. Entries are written as in `allow`. `deny` " +
		"wins " +
		"over `allow`.", "none",
		`[{names: [socket], args: [{index: 0, op: eq, value: AF_UNIX}], why: "no IPC"}]`},
	{"syscalls.violation", "What a refused call leads to. `errno`: the call fails with EPERM and " +
		"is " +
		"reported. `kill`: the sandbox is killed, and the call is reported.", "errno", "errno"},

	{"limits", "What the tool may use. 0 means no limit.", "", ""},
	{"limits.memory", "Memory of all processes together. There is no swap.", "no limit", "256MiB"},
	{"limits.cpus", "CPU share: 0.5 is half a core, 2 is two cores.", "no limit", "0.5"},
	{"limits.pids", "Number of processes and threads.", "no limit", "64"},
	{"limits.timeout", "Wall-clock time. The sandbox is killed when it is over.", "no limit",
		"30s"},
	{"limits.cpu_time", "CPU time of all processes together.", "no limit", "10s"},
	{"limits.disk", "Space in the sandbox's own storage: /tmp, the home folder, /dev/shm and an " +
		"unbound " +
		"/work. A folder that is bound writable is not limited.", "no limit", "100MiB"},
	{"limits.file_size", "Size of the largest file that the tool can write.", "no limit", "10MiB"},
	{"limits.open_files", "Open files of one process.", "no limit", "256"},
	{"limits.output", "Bytes written to stdout and stderr together. The sandbox is killed when " +
		"it " +
		"writes more.", "no limit", "16MiB"},
	{"limits.io_weight", "Share of the disks' time, 1 to 10000. It needs cgroup v2.",
		"the kernel's: 100", "50"},
	{"limits.io", "Rates of single disks. They need cgroup v2.", "none",
		"[{device: /var, write_bps: 10MiB}]"},
	{"limits.io[].device", "A block device, or a path on the disk.", "required", ""},
	{"limits.io[].read_bps", "Bytes read per second.", "no limit", ""},
	{"limits.io[].write_bps", "Bytes written per second.", "no limit", ""},
	{"limits.io[].read_iops", "Reads per second.", "no limit", ""},
	{"limits.io[].write_iops", "Writes per second.", "no limit", ""},

	{"network", "What the tool can reach over the network.", "", ""},
	{"network.mode", "`none`: only a loopback device of the sandbox's own. `allow`: the hosts of " +
		"`allow`, by TCP. `host`: the host's network, its services on localhost included.",
		"none", "none"},
	{"network.allow", "Hosts for mode `allow`. An entry is HOST, HOST:PORT, or {host, ports, " +
		"methods}. " +
		"HOST is a " +
		"name, `*.example.com` for all names below it, `*` for every name, an address, or a " +
		"range. " +
		"Without a port it means 443 and 80.", "none",
		`[api.github.com, "*.npmjs.org", "db.example.com:5432", "192.0.2.0/24:8443"]`},
	{"network.allow[].host", "The host.", "required", ""},
	{"network.allow[].ports", "TCP ports.", "443 and 80", ""},
	{"network.allow[].methods", "HTTP methods that may be used. For this, mcpbox ends the TLS " +
		"connection, with a certificate of the sandbox's own, and reads the requests.",
		"all: connections are passed on unread", ""},
	{"network.deny", "Hosts that are refused. Entries are written as in `allow`; without a port " +
		"they " +
		"mean every port. `deny` wins over `allow`.", "none", `["*.internal.example.com"]`},
	{"network.private", "`deny`: a name that leads to a private, shared or loopback address is " +
		"refused, " +
		"unless `allow` has that address or its range too. `allow-listed`: allowed names may " +
		"lead there. " +
		"Link-local addresses, cloud metadata among them, have to be listed in both cases.",
		"deny", "deny"},
	{"network.ech", "`deny`: a TLS connection that encrypts its server's name is refused. " +
		"`allow`: it " +
		"passes, as browsers need it; the true name may then be another.", "deny", "deny"},
	{"network.dns", "How allowed names are looked up, outside the sandbox.", "", ""},
	{"network.dns.servers", "DNS servers that are asked in place of the host's.", "the host's",
		`["192.0.2.53", "192.0.2.54:5353"]`},
	{"network.proxy", "A port of the sandbox's loopback device where SOCKS5 and HTTP CONNECT are " +
		"served, for programs that insist on a proxy. The same hosts are allowed.", "none", "1080"},
	{"network.publish", "Ports of servers in the sandbox that the host can reach: PORT, " +
		"PORT:INSIDE or ADDRESS:PORT:INSIDE. Without an address it is 127.0.0.1.", "none",
		`["8080:3000"]`},
	{"network.limits", "Limits of mode `allow`. 0 means no limit.", "", ""},
	{"network.limits.connections", "Connections that are open at a time.", "1024", "64"},
	{"network.limits.bytes", "Bytes that are sent and received, together.", "no limit", "100MiB"},
	{"network.limits.rate", "Bytes a second, both ways together.", "no limit", "1MiB"},

	{"secrets", "Secrets that hosts want of the tool. A policy only names them: `--secret` says " +
		"where the value comes from. The tool gets a placeholder, in an environment variable. On " +
		"the way to the hosts mcpbox puts the secret in its place. For that it ends the TLS " +
		"connections to these hosts, with a certificate of the sandbox's own.", "none",
		`[{name: GITHUB_TOKEN, hosts: [api.github.com], header: X-Api-Key}]`},
	{"secrets[].name", "The name of the secret, and of the tool's environment variable.",
		"required", ""},
	{"secrets[].hosts", "Where the secret may go: HOST or HOST:PORT, by TLS. `network.allow` has " +
		"to have them, too. Without a port it is 443.", "required", ""},
	{"secrets[].header", "The header of the request in which the placeholder is replaced.", "none",
		""},
	{"secrets[].format", "The header's value, with {secret} in it. It replaces the whole value " +
		"of a header that has the placeholder.", "the placeholder alone is replaced", ""},
	{"secrets[].basic", "Replaces the placeholder in basic authentication: a password or a user " +
		"name.", "false", ""},
	{"secrets[].query", "The parameter in the URL in which the placeholder is replaced.", "none",
		""},

	{"environment", "The tool's environment variables. No other variable of the caller reaches " +
		"it. mcpbox sets " +
		"PATH, HOME, USER, LOGNAME, SHELL, LANG, MCPBOX and OMP_NUM_THREADS, and where the " +
		"memory limit " +
		"is no cgroup's, which runtimes would read, GOMEMLIMIT, JAVA_TOOL_OPTIONS, NODE_OPTIONS " +
		"and " +
		"DOTNET_GCHeapHardLimit. A value set here, or \"\", is taken instead.", "", ""},
	{"environment.pass", "Names of variables that are passed on from the caller.", "none",
		"[LANG, TZ]"},
	{"environment.set", "Variables with fixed values.", "none", "{NODE_ENV: production}"},

	{"code", "For `mcpbox code` only.", "", ""},
	{"code.timeout", "Wall-clock time of a snippet if limits.timeout is not set.", "no limit",
		"10s"},

	{"guard", "How `mcpbox code` looks at a snippet before it runs: Python, JavaScript and " +
		"shell. The " +
		"guard is a second line of defence: the sandbox contains whatever it misses.", "", ""},
	{"guard.mode", "`off`: the guard does not look. `warn`: findings are in the result, and the " +
		"snippet " +
		"runs. `deny`: a snippet with findings does not run (exit code 126).", "off", "deny"},
	{"guard.refuse", "With `deny`: the least severity that is refused, low, medium or high.",
		"medium",
		"medium"},
	{"guard.modules", "Imports that are findings. `mcpbox code --rules` lists the built-in ones.",
		"", ""},
	{"guard.modules.deny", "Modules that are findings too, of severity high. A name may say " +
		"which " +
		"language it is for: python/turtle, javascript/fs.", "none", "[turtle]"},
	{"guard.modules.allow", "Modules that are no findings.", "none", "[python/os, re]"},
	{"guard.calls", "Functions that are findings, and commands of a shell.", "", ""},
	{"guard.calls.deny", "Functions and commands that are findings too, of severity high.", "none",
		"[print, shell/sleep]"},
	{"guard.calls.allow", "Functions and commands that are no findings.", "none",
		"[open, shell/curl]"},
	{"guard.attributes", "Attributes that are findings.", "", ""},
	{"guard.attributes.deny", "Attributes that are findings too, of severity high.", "none",
		"[__slots__]"},
	{"guard.attributes.allow", "Attributes that are no findings.", "none", "[__mro__]"},

	{"mcp", "What `mcpbox mcp` lets through between an MCP client and the server.", "", ""},
	{"mcp.mode", "What happens to a tool, resource or prompt that no rule names. `open`: it is " +
		"allowed. " +
		"`deny`: it is hidden. `off`: everything is hidden, named or not.", "open", "deny"},
	{"mcp.server", "Which server may run.", "", ""},
	{"mcp.server.allow", "Servers that may start: a pattern for the command line, or sha256:… of " +
		"the " +
		"program or script.", "every server", `["node *"]`},
	{"mcp.server.deny", "Servers that may not start. `deny` wins over `allow`.", "none",
		`["*curl*"]`},
	{"mcp.server.version", "A range that the version in the server's serverInfo must be in.",
		"every version", `">=1.2.0 <2"`},
	{"mcp.server.packages", "By npm or Python package: a range that the version on the command " +
		"line " +
		"must be in.", "every version",
		`{"@modelcontextprotocol/server-filesystem": "^2025.8.21"}`},
	{"mcp.tools", "Which tools the client sees. Names may be patterns: * ? [a-z].", "", ""},
	{"mcp.tools.allow", "Tools that the client sees and may call.", "decided by mcp.mode",
		`[read_note, "search_*"]`},
	{"mcp.tools.deny", "Tools that are hidden. `deny` wins over `allow`.", "none", "[delete_note]"},
	{"mcp.resources", "Which resources the client may read.", "", ""},
	{"mcp.resources.allow", "URIs, or patterns for them.", "decided by mcp.mode",
		`["file:///work/*"]`},
	{"mcp.resources.deny", "URIs that are refused. `deny` wins over `allow`.", "none",
		`["file:///work/private/*"]`},
	{"mcp.prompts", "Which prompts the client sees.", "", ""},
	{"mcp.prompts.allow", "Prompts that the client sees.", "decided by mcp.mode", "[summarize]"},
	{"mcp.prompts.deny", "Prompts that are hidden. `deny` wins over `allow`.", "none", "[debug]"},
	{"mcp.parameters", "By tool: a JSON Schema that the arguments must satisfy.", "none",
		`{read_note: {properties: {name: {pattern: "^[a-z0-9-]+$"}}}}`},
	{"mcp.parameters[]", "A JSON Schema.", "", ""},
	{"mcp.paths", "By tool and argument: folders inside the sandbox. The argument must be a path " +
		"in one " +
		"of them. Symbolic links are resolved.", "none", "{read_file: {path: [/work]}}"},
	{"mcp.paths[]", "Folders by argument.", "", ""},
	{"mcp.input_schema", "`enforce`: arguments must also satisfy the tool's own inputSchema. " +
		"`pass`: " +
		"the server checks them itself.",
		"enforce with mcp.mode deny, mcp.tools, mcp.parameters or mcp.paths; else pass", "enforce"},
	{"mcp.capabilities", "By tool: what it needs (fs.read, fs.write, net, exec). A tool is " +
		"hidden if " +
		"`--grant` does not name all of it.", "none", "{write_note: [fs.write]}"},
	{"mcp.limits", "By tool: limits of one call.", "none",
		"{search_notes: {timeout: 10s, memory: 64MiB}}"},
	{"mcp.limits[].timeout", "Wall-clock time of the call.", "no limit", ""},
	{"mcp.limits[].memory", "Growth of the server's memory during the call.", "no limit", ""},
	{"mcp.limits[].cpu_time", "CPU time of the server during the call.", "no limit", ""},
	{"mcp.pin", "Compares the tools' definitions with those that you approved.", "", ""},
	{"mcp.pin.file", "The file that `mcpbox mcp pin` wrote. The path is relative to this file.",
		"none: definitions are compared with the first ones of the session", "./pins.json"},
	{"mcp.pin.on_change", "`refuse`: a tool whose definition has changed is hidden and refused. " +
		"`flag`: " +
		"an event reports the change.", "refuse with a file, flag without", "refuse"},
	{"mcp.output", "How the results of tools are marked.", "", ""},
	{"mcp.output.mark", "`meta`: _meta says which server and tool a result is from, and that it " +
		"is " +
		"untrusted. `wrap`: the texts also stand between tags. `none`: results pass unchanged.",
		"meta", "wrap"},
	{"mcp.output.tag", "The name of the tag. It implies `mark: wrap`.", "untrusted", "untrusted"},
	{"mcp.output.strip", "Removes terminal sequences, invisible and bidirectional characters " +
		"from " +
		"every text of the server: results, descriptions, instructions, resources, prompts, " +
		"messages. `wrap` " +
		"always does.", "false", "true"},
	{"mcp.output.max_bytes", "Size of a result's texts together. What is longer is cut off, and " +
		"says so.",
		"no limit", "1MiB"},

	{"packages", "Which packages may run that mcpbox installs for npx, uvx and the like. A " +
		"package that lacks what is required is quarantined: it runs without a network and a " +
		"workspace, and offers a client nothing.", "", ""},
	{"packages.require", "`audited`: no finding of severity high, or a decision to trust it. " +
		"`trusted`: a decision. `any`: nothing, unless it is denied or quarantined by a decision.",
		"audited", "trusted"},
	{"packages.min_age", "A version that was published less than this ago is a finding of " +
		"severity high.", "72h", "168h"},
	{"packages.signatures", "`offered`: a package of npm needs a signature if its registry signs " +
		"others or publishes keys. `required`: it always needs one.", "offered", "required"},

	{"rules", "Reactions to events. The first table below lists what a condition can name.", "none",
		`[{id: debugger, when: 'syscall == "ptrace"', severity: high, action: kill}]`},
	{"rules[].id", "The rule's name. Events carry it.", "required", ""},
	{"rules[].name", "What people call it. Its events say it.", "the id", ""},
	{"rules[].description", "Why the rule exists.", "none", ""},
	{"rules[].when", "The condition, in the Expr language. It is about events, or usage, or " +
		"files: it may name `usage`, or `file`, but not together with other names.",
		"required", ""},
	{"rules[].count", "How many matching events it takes.", "1", ""},
	{"rules[].within", "The time within which `count` events must come. An event of the rule's " +
		"own is then recorded, and counting begins again.", "none", ""},
	{"rules[].for", "How long a condition about usage must hold. Usage is looked at four times a " +
		"second.", "0s", ""},
	{"rules[].except", "Conditions under which the rule does not apply.", "none",
		""},
	{"rules[].severity", "The event gets at least this severity.", "unchanged", ""},
	{"rules[].action", "`alert`: marks the event. `kill`: also ends the program, and the sandbox " +
		"if it has others. `destroy`: ends the sandbox. `quarantine`: ends it, and marks the " +
		"event, so that nothing of it is used again. A sandbox of `mcpbox serve` is not ended, " +
		"but stopped without a network, for an operator to look at.", "alert", ""},
}

// lookup finds a key's documentation. The entries of syscalls.deny are written as those of allow.
func lookup(path string) (keyDoc, bool) {
	for _, list := range [...]string{"syscalls", "network"} {
		if rest, ok := strings.CutPrefix(path, list+".deny[]"); ok {
			path = list + ".allow[]" + rest
		}
	}
	for _, k := range keys {
		if k.path == path {
			return k, true
		}
	}
	return keyDoc{}, false
}
