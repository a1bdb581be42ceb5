package policies

import (
	"slices"
	"strings"
	"testing"
)

func TestDiffTellsWhatChanged(t *testing.T) {
	a := mustParse(t, "extends: standard\nenvironment: {set: {A: a}}\n")
	b := mustParse(t, "extends: standard\nlimits: {memory: 1GiB, cpus: 0}\nsyscalls: {allow: [ptrace]}\nenvironment: {\"!pass\": [LANG], set: {A: b}}\nnetwork: {mode: host}\n")
	var got []string
	for _, c := range Diff(a, b) {
		got = append(got, c.String())
	}
	want := []string{
		"- environment.pass: LC_ALL", "- environment.pass: LC_CTYPE", "- environment.pass: NO_COLOR", "- environment.pass: TERM", "- environment.pass: TZ",
		"~ environment.set.A: a → b", "~ limits.cpus: 1 → (unset)", "~ limits.memory: 512MiB → 1GiB", "~ network.mode: none → host", "+ syscalls.allow: ptrace",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if changes := Diff(a, a); changes != nil {
		t.Errorf("a policy differs from itself: %v", changes)
	}
}

func TestExplainAnswersWhatPeopleAsk(t *testing.T) {
	for name, want := range map[string][]string{
		"none":     {"the tool runs bare"},
		"basic":    {"shares the host's network", "can: start other programs", "cannot: debug other processes", "nothing is required"},
		"standard": {"can open sockets: local (Unix), IPv4, IPv6", "cannot reach any network", "memory: 512MiB", "can: start other programs", "      types into the caller's terminal"},
		"strict":   {"cannot: start other programs, create child processes", "cannot open sockets: IPv4, IPv6", "timeout of mcpbox code: 10s"},
		"maximum":  {"cannot open any socket", "an attempt kills the sandbox", "openat: only for: opens for reading"},
	} {
		p, _ := Preset(name)
		text := Explain(p)
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: %q is missing in\n%s", name, w, text)
			}
		}
	}
}
