package policies

import (
	"slices"
	"strings"
	"testing"
)

func TestDiffTellsWhatChanged(t *testing.T) {
	a := mustParse(t, "extends: standard\nenvironment: {set: {A: a}}\n")
	b := mustParse(t, "extends: standard\nlimits: {memory: 1GiB, cpus: 0}\nsyscalls: {allow: "+
		"[ptrace]}\nenvironment: {\"!pass\": [LANG], set: {A: b}}\nnetwork: {mode: host}\n")
	var got []string
	for _, c := range Diff(a, b) {
		got = append(got, c.String())
	}
	want := []string{
		"- environment.pass: LC_ALL", "- environment.pass: LC_CTYPE", "- environment.pass: " +
			"NO_COLOR", "- environment.pass: TERM", "- environment.pass: TZ",
		"~ environment.set.A: a → b", "~ limits.cpus: 1 → (unset)", "~ limits.memory: 512MiB → " +
			"1GiB", "~ network.mode: none → host", "+ syscalls.allow: ptrace",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if changes := Diff(a, a); changes != nil {
		t.Errorf("a policy differs from itself: %v", changes)
	}
}
