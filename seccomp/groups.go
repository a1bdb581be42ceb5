package seccomp

import (
	"slices"
	"strings"
)

// group is a named set of calls, as in systemd's SystemCallFilter=. Names and contents follow
// systemd 252. Newer calls are in the groups of later versions of systemd. White space separates
// members. A member may be a group.
type group struct{ name, why, members string }

// Groups lists the groups' names, sorted.
func Groups() []string {
	out := []string{knownGroup}
	for _, set := range groupSets() {
		for _, g := range set {
			out = append(out, g.name)
		}
	}
	slices.Sort(out)
	return out
}

// Group lists the calls of a group ("@file-system") and its nested groups, sorted. The list
// contains calls that only other architectures have, but no calls without a number.
func Group(name string) ([]string, bool) {
	if name == knownGroup {
		out := knownNames()
		slices.Sort(out)
		return out, true
	}
	g, ok := findGroup(name)
	if !ok {
		return nil, false
	}
	var out []string
	open(g, &out)
	slices.Sort(out)
	return slices.Compact(out), true
}

// GroupReason returns one line about the purpose of a group, or about its danger.
func GroupReason(name string) string {
	if name == knownGroup {
		return "every call this machine has a name for"
	}
	g, _ := findGroup(name)
	return g.why
}

// knownGroup is computed: all native calls.
const knownGroup = "@known"

func groupSets() [][]group {
	return [][]group{baseGroups[:], filesGroups[:], processGroups[:], ipcGroups[:], adminGroups[:]}
}

func findGroup(name string) (group, bool) {
	for _, set := range groupSets() {
		for _, g := range set {
			if g.name == name {
				return g, true
			}
		}
	}
	return group{}, false
}

func open(g group, out *[]string) {
	for _, m := range strings.Fields(g.members) {
		if isGroup(m) {
			if nested, ok := findGroup(m); ok {
				open(nested, out)
			}
		} else if known(m) {
			*out = append(*out, m)
		}
	}
}
