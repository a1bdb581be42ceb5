package kernel

import (
	"os"
	"regexp"
	"testing"
)

func TestThePageIsUpToDate(t *testing.T) {
	data, err := os.ReadFile("../../docs/KERNEL.md")
	if err != nil || string(data) != Markdown() {
		t.Errorf("docs/KERNEL.md is stale: run go generate ./internal/kernel (%v)", err)
	}
}

// The README names the floor, and no other version, as required.
func TestTheReadmeNamesTheFloor(t *testing.T) {
	data, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`Linux\s+([0-9]+\.[0-9]+)\s+or\s+later`).FindAllSubmatch(data, -1)
	if len(found) == 0 {
		t.Error("the README does not say which Linux mcpbox needs")
	}
	for _, m := range found {
		if string(m[1]) != Floor().String() {
			t.Errorf("the README says %q, the floor is %s", m[0], Floor())
		}
	}
}

func TestEveryFeatureSaysWhatItIsFor(t *testing.T) {
	last := Version{}
	for _, f := range Features {
		if f.For == "" || f.Required == (f.Without != "") {
			t.Errorf("%s: for %q, required %v, without %q", f.Name, f.For, f.Required, f.Without)
		}
		if f.Since.Less(last) {
			t.Errorf("%s is out of order", f.Name)
		}
		last = f.Since
	}
}

func TestParseReadsAKernelRelease(t *testing.T) {
	for release, want := range map[string]Version{
		"6.1.0-56-cloud-amd64": {6, 1}, "5.15": {5, 15}, "6.18.44-fc-v595": {6, 18},
	} {
		if got, err := Parse(release); err != nil || got != want {
			t.Errorf("%s: %v, %v", release, got, err)
		}
	}
	if _, err := Parse("unknown"); err == nil {
		t.Error("no error for a release without a version")
	}
	if old, now := (Version{5, 9}), (Version{5, 12}); !old.Less(now) || now.Less(old) {
		t.Error("5.9 is older than 5.12")
	}
	if len(Missing(Floor())) == 0 || len(Missing(Version{})) != len(Features) {
		t.Error("what is missing is wrong")
	}
	for _, f := range Missing(Floor()) {
		if f.Required {
			t.Errorf("the floor lacks %s", f.Name)
		}
	}
}
