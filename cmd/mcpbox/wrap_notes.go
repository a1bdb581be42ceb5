package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/policies"
)

// surroundings are what a wrapped server will find inside.
type surroundings struct {
	targets []string // of mounts
	network bool
	bare    bool // no sandbox at all
}

// around puts together what the policy and the flags of mcpbox mcp give.
func around(p *policies.Policy, proxy *cobra.Command) surroundings {
	s := surroundings{targets: []string{"/usr", "/bin", "/sbin", "/lib", "/lib64", "/dev", "/proc"}, network: p.Network.Mode == policies.NetworkHost}
	for _, m := range p.Filesystem.Mounts {
		s.targets = append(s.targets, m.Target)
	}
	mounts, _ := proxy.Flags().GetStringArray("mount")
	for _, text := range mounts {
		if m, err := parseMount(text); err == nil {
			s.targets = append(s.targets, m.Target)
		}
	}
	if network, _ := proxy.Flags().GetString("network"); network != "" {
		s.network = network == string(policies.NetworkHost)
	}
	if p.Isolation == policies.IsolationNone {
		s = surroundings{targets: []string{"/"}, network: true, bare: true}
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
	if url := slices.IndexFunc(command, isURL); url > 0 && !s.network && fetches(command) != "" {
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
	if runner := fetches(command); runner != "" && !s.network {
		out = append(out, runner+" downloads what it does not find, and there is no network: install the server, or wrap … -- --network host")
	}
	for _, word := range command {
		if !filepath.IsAbs(word) || s.shows(word) {
			continue
		}
		if _, err := os.Stat(word); err == nil {
			dir := word
			if info, err := os.Stat(word); err == nil && !info.IsDir() {
				dir = filepath.Dir(word)
			}
			out = append(out, fmt.Sprintf("it won't see %s: wrap … -- --mount %s:%s:ro, or a policy with that mount", word, dir, dir))
		}
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
