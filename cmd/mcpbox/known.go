package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/policies"
)

// knownAs returns the policy that the pool knows, for one of the same content. A bound folder is
// another one when the host has put another in its place.
func (s *servedRuns) knownAs(p *policies.Policy) (*policies.Policy, error) {
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(p); err != nil {
		return nil, err
	}
	for _, m := range p.Filesystem.Mounts {
		var st unix.Stat_t
		if err := unix.Stat(m.Source, &st); err != nil {
			return nil, fmt.Errorf("mount source %s: %w", m.Source, err)
		}
		fmt.Fprintf(h, "%s %d %d\n", m.Source, st.Dev, st.Ino)
	}
	key := string(h.Sum(nil))
	s.mu.Lock()
	defer s.mu.Unlock()
	const most = 1000 // a policy that is forgotten gets sandboxes of its own again
	if len(s.known) > most {
		clear(s.known)
	}
	if known, ok := s.known[key]; ok {
		return known, nil
	}
	s.known[key] = p
	return p, nil
}
