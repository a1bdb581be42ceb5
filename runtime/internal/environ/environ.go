package environ

import (
	"os"
	"sort"
	"strings"

	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/rootfs"
)

// Config is the input for an environment.
type Config struct {
	Environment  policies.Environment
	Limits       policies.Limits
	MemoryHidden bool // no cgroup in the sandbox shows the memory limit
	Terminal     bool
	Trust        string            // a file of certificate authorities; "": the program's own
	Placeholders map[string]string // of secrets, by name
	Command      []string          // "K=V" of the call
}

// Origin says who set a variable.
type Origin string

const (
	Base    Origin = "base"    // the same in every sandbox
	Limit   Origin = "limit"   // tells a language runtime about a limit
	Caller  Origin = "caller"  // passed on from mcpbox's own environment
	Policy  Origin = "policy"  // set by the policy
	Command Origin = "command" // set by the call
	Secret  Origin = "secret"  // a secret's placeholder
	Trust   Origin = "trust"   // says which certificate authorities to trust
)

// Variable is one variable of a tool's environment.
type Variable struct {
	Name, Value string
	Origin      Origin
}

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Build returns the environment, sorted by name. Later origins win.
func Build(c Config) []Variable {
	vars := set{}
	for _, kv := range [][2]string{{"PATH", path}, {"HOME", rootfs.Home}, {"USER", "user"},
		{"LOGNAME", "user"}, {"SHELL", "/bin/sh"}, {"LANG", "C.UTF-8"}, {"MCPBOX", "1"}} {
		vars.put(kv[0], kv[1], Base)
	}
	if c.Terminal {
		vars.put("TERM", "xterm-256color", Base)
		if t := os.Getenv("TERM"); t != "" {
			vars.put("TERM", t, Caller)
		}
	}
	if c.MemoryHidden {
		heapSizes(vars, int64(c.Limits.Memory))
	}
	threadCount(vars, c.Limits.CPUs)
	if c.Trust != "" {
		for _, name := range trustVariables {
			vars.put(name, c.Trust, Trust)
		}
	}
	for _, name := range c.Environment.Pass {
		if v, ok := os.LookupEnv(name); ok {
			vars.put(name, v, Caller)
		}
	}
	for name, v := range c.Environment.Set {
		vars.put(name, v, Policy)
	}
	for _, kv := range c.Command {
		if name, v, ok := strings.Cut(kv, "="); ok {
			vars.put(name, v, Command)
		}
	}
	for name, v := range c.Placeholders {
		vars.put(name, v, Secret)
	}
	return vars.sorted()
}

// trustVariables are the variables with which OpenSSL and Go, Node, Python's requests, curl, git,
// pip, cargo and AWS's libraries find their certificate authorities.
var trustVariables = [...]string{"SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE",
	"CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "PIP_CERT", "CARGO_HTTP_CAINFO", "AWS_CA_BUNDLE"}

// Strings returns the variables as execve(2) takes them.
func Strings(vars []Variable) []string {
	out := make([]string, len(vars))
	for i, v := range vars {
		out[i] = v.Name + "=" + v.Value
	}
	return out
}

type set map[string]Variable

func (s set) put(name, value string, o Origin) { s[name] = Variable{name, value, o} }

func (s set) sorted() []Variable {
	out := make([]Variable, 0, len(s))
	for _, v := range s {
		out = append(out, v)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}
