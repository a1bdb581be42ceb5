package policies

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/errors.golden anew")

// TestErrorsNameThePlaceAndTheRemedy checks testdata/errors.golden: each policy is followed by its
// errors.
func TestErrorsNameThePlaceAndTheRemedy(t *testing.T) {
	const file = "testdata/errors.golden"
	golden, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, part := range strings.Split(strings.TrimSuffix(string(golden), "\n"), "\n=== ") {
		title, rest, _ := strings.Cut(strings.TrimPrefix(part, "=== "), "\n")
		policy, _, _ := strings.Cut(rest, "\n--- says\n")
		_, err := Parse([]byte(policy+"\n"), "p.yaml")
		said := "nothing\n"
		var list *Error
		if errors.As(err, &list) {
			said = list.Detail()
		} else if err != nil {
			said = "not a *policies.Error: " + err.Error() + "\n"
		}
		got.WriteString("=== " + title + "\n" + policy + "\n--- says\n" + said)
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got.String() != string(golden) {
		t.Errorf("run go test -update ./policies and look at the difference; got\n%s", got.String())
	}
}
