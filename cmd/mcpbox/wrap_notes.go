package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/mcp/identity"
	"github.com/mcpbox/mcpbox/policies"
)

// surroundings are what a wrapped server finds in its sandbox.
type surroundings struct {
	targets []string // of mounts
	// relative sources of mounts: they depend on the folder that the client starts the server in
	relative []string
	network  bool
	secrets  []string // that the policy wants, and no flag has
	bare     bool     // no sandbox at all
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

// notes warn of what may not work in the sandbox.
func (s *surroundings) notes(command []string) (out []string) {
	if len(command) == 0 {
		return nil
	}
	if runner := identity.PackageRunner(command); runner != "" && !s.network && !installs(command) {
		out = append(out, runner+" downloads missing packages, and the sandbox has no network: "+
			"install the server, or wrap … -- --allow-net HOST, of the package registry")
	}
	for _, name := range s.secrets {
		out = append(out, fmt.Sprintf("the policy wants the secret %s: wrap … -- --secret "+
			"%[1]s=file:PATH, or cmd:COMMAND, unless your secrets.json has it", name))
	}
	for _, source := range s.relative {
		out = append(out, fmt.Sprintf("the relative path %s depends on the folder that the "+
			"client starts its servers in: give an absolute path", source))
	}
	if program, err := exec.LookPath(command[0]); err == nil &&
		!strings.Contains(command[0], "/") && !s.shows(program) {
		out = append(out, fmt.Sprintf("%s is not in the sandbox's PATH: write %s in the "+
			"configuration, and wrap … -- --mount %[3]s:%[3]s:ro", command[0], program,
			folderOf(program)))
	}
	for _, word := range command {
		if !filepath.IsAbs(word) || s.shows(word) {
			continue
		}
		if _, err := os.Stat(word); err == nil {
			out = append(out, fmt.Sprintf("%s is not in the sandbox: wrap … -- --mount "+
				"%[2]s:%[2]s:ro, or use a policy with that mount", word, folderOf(word)))
		}
	}
	return out
}

// folderOf is the folder to mount so that a file works: for an interpreter in a virtual environment
// or in a version manager's folder, all of that.
func folderOf(file string) string {
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return file
	}
	dir := filepath.Dir(file)
	for _, sign := range []string{"pyvenv.cfg", "lib/node_modules"} {
		if _, err := os.Stat(filepath.Join(dir, "..", sign)); err == nil &&
			filepath.Base(dir) == "bin" {
			return filepath.Dir(dir)
		}
	}
	return dir
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
