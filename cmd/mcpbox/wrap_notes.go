package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/mcp/identity"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/rootfs"
)

// surroundings are what a wrapped server finds in its sandbox.
type surroundings struct {
	targets []string // of mounts
	// relative sources of mounts: they depend on the folder that the client starts the server in
	relative []string
	network  bool
	secrets  []string // that the policy wants, and no flag has
	bare     bool     // no sandbox at all
	work     string   // the folder that is mounted as /work, or ""
}

// around combines the policy and the flags of mcpbox mcp: the mounts, and whether a network is
// given (--network host, --allow-net), taken away (--network none), or not mentioned.
func around(p *policies.Policy, given []policies.Mount, f *sandboxFlags) surroundings {
	if p.Isolation == policies.IsolationNone {
		return surroundings{targets: []string{"/"}, network: true, bare: true}
	}
	s := surroundings{targets: []string{"/usr", "/bin", "/sbin", "/lib", "/lib64", "/dev", "/proc"},
		network: p.Network.Mode != policies.NetworkNone}
	if f.network != "" || len(f.allowNet) > 0 {
		s.network = f.network != string(policies.NetworkNone)
	}
	for _, secret := range p.Secrets {
		if !slices.ContainsFunc(f.secrets, func(given string) bool {
			return strings.HasPrefix(given, secret.Name+"=")
		}) {
			s.secrets = append(s.secrets, secret.Name)
		}
	}
	for _, m := range p.Filesystem.Mounts {
		s.targets = append(s.targets, m.Target)
	}
	for _, m := range given {
		s.targets = append(s.targets, m.Target)
		if m.Target == rootfs.Work {
			s.work, _ = filepath.Abs(m.Source)
		}
		// VS Code puts its folders in
		if !filepath.IsAbs(m.Source) && !strings.HasPrefix(m.Source, "${") {
			s.relative = append(s.relative, m.Source)
		}
	}
	return s
}

// leave says why a server can't work in the sandbox, whatever is mounted; "": it can.
func (s *surroundings) leave(command []string) string {
	switch base := filepath.Base(command[0]); base {
	case "docker", "docker-compose", "podman", "nerdctl":
		if !s.bare {
			return base + " can't start a container from inside the sandbox: wrap the program in " +
				"the image instead"
		}
	}
	if runner := identity.PackageRunner(command); runner != "" && !s.network && !s.bare &&
		!installs(command) {
		return runner + " downloads the package at each start, and the sandbox has no network: " +
			"install the server, and name its program in the configuration"
	}
	if url := slices.IndexFunc(command, isURL); url > 0 && !s.network &&
		identity.PackageRunner(command) != "" {
		return "it connects to " + command[url] +
			", and the sandbox has no network: wrap … -- --allow-net HOST, for that host and the " +
			"package registry's"
	}
	return ""
}

func isURL(word string) bool {
	return strings.HasPrefix(word, "https://") || strings.HasPrefix(word, "http://")
}

// notes warn of flags that depend on where the client starts its servers.
func (s *surroundings) notes() (out []string) {
	for _, name := range s.secrets {
		out = append(out, fmt.Sprintf("the policy wants the secret %s: wrap … -- --secret "+
			"%[1]s=file:PATH, or cmd:COMMAND, unless your secrets.json has it", name))
	}
	for _, source := range s.relative {
		out = append(out, fmt.Sprintf("the relative path %s depends on the folder that the "+
			"client starts its servers in: give an absolute path", source))
	}
	return out
}

func (s *surroundings) shows(file string) bool {
	if file == "/tmp" || file == "/work" {
		return true // its own, empty
	}
	for _, t := range s.targets {
		if t == "/" || file == t || strings.HasPrefix(file, t+"/") {
			return true
		}
	}
	return false
}
