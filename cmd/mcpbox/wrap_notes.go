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

// surroundings are what a wrapped server will find inside.
type surroundings struct {
	targets  []string // of mounts
	relative []string // sources of mounts that are looked for where the client starts the server
	network  bool
	bare     bool // no sandbox at all
}

// around puts together what the policy and the flags of mcpbox mcp give.
func around(p *policies.Policy, given []policies.Mount, network string) surroundings {
	if p.Isolation == policies.IsolationNone {
		return surroundings{targets: []string{"/"}, network: true, bare: true}
	}
	s := surroundings{targets: []string{"/usr", "/bin", "/sbin", "/lib", "/lib64", "/dev", "/proc"}, network: p.Network.Mode == policies.NetworkHost}
	if network != "" {
		s.network = network == string(policies.NetworkHost)
	}
	for _, m := range p.Filesystem.Mounts {
		s.targets = append(s.targets, m.Target)
	}
	for _, m := range given {
		s.targets = append(s.targets, m.Target)
		if !filepath.IsAbs(m.Source) && !strings.HasPrefix(m.Source, "${") { // VS Code puts its folders in
			s.relative = append(s.relative, m.Source)
		}
	}
	return s
}

// leave says why a server can't work in there, whatever is mounted; "" if it may.
func (s *surroundings) leave(command []string) string {
	switch base := filepath.Base(command[0]); base {
	case "docker", "docker-compose", "podman", "nerdctl":
		if !s.bare {
			return base + " starts a container outside of the sandbox, and can't from inside: wrap the program that is in the image instead"
		}
	}
	if url := slices.IndexFunc(command, isURL); url > 0 && !s.network && identity.PackageRunner(command) != "" {
		return "it talks to " + command[url] + ", and there is no network: wrap … -- --network host"
	}
	return ""
}

func isURL(word string) bool {
	return strings.HasPrefix(word, "https://") || strings.HasPrefix(word, "http://")
}

// notes tell why a server may not work in there, before the client finds out.
func (s *surroundings) notes(command []string) (out []string) {
	if len(command) == 0 {
		return nil
	}
	if runner := identity.PackageRunner(command); runner != "" && !s.network {
		out = append(out, runner+" downloads what it does not find, and there is no network: install the server, or wrap … -- --network host")
	}
	for _, source := range s.relative {
		out = append(out, fmt.Sprintf("%s is looked for in the folder that the client starts its servers in: the whole path is safer", source))
	}
	if program, err := exec.LookPath(command[0]); err == nil && !strings.Contains(command[0], "/") && !s.shows(program) {
		out = append(out, fmt.Sprintf("it won't find %s, which is %s here: name it so in the configuration, and wrap … -- --mount %[3]s:%[3]s:ro", command[0], program, folderOf(program)))
	}
	for _, word := range command {
		if !filepath.IsAbs(word) || s.shows(word) {
			continue
		}
		if _, err := os.Stat(word); err == nil {
			out = append(out, fmt.Sprintf("it won't see %s: wrap … -- --mount %[2]s:%[2]s:ro, or a policy with that mount", word, folderOf(word)))
		}
	}
	return out
}

// folderOf is the folder that a file or folder needs to be of use: of an interpreter in a virtual environment or a
// version manager's folder, the whole of that.
func folderOf(file string) string {
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return file
	}
	dir := filepath.Dir(file)
	for _, sign := range []string{"pyvenv.cfg", "lib/node_modules"} {
		if _, err := os.Stat(filepath.Join(dir, "..", sign)); err == nil && filepath.Base(dir) == "bin" {
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
