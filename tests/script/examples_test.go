package script

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/tests/internal/built"
)

// The YAML files in examples/ are valid policies, and each says how to use it.
func TestExamplesAreGoodPolicies(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d examples (%v)", len(files), err)
	}
	for _, file := range files {
		out, err := exec.Command(built.Mcpbox(t), "policy", "check", file).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "#   mcpbox ") {
			t.Errorf("%s does not say how to use it", file)
		}
	}
}
