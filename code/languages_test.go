package code

import (
	"slices"
	"testing"

	"github.com/mcpbox/mcpbox/internal/hint"
)

func TestNamesAndAliasesAreOneLanguageEach(t *testing.T) {
	seen := map[string]string{}
	for _, l := range languages() {
		for _, name := range append(l.Aliases, l.Name) {
			if other, taken := seen[name]; taken {
				t.Errorf("%s is %s and %s", name, other, l.Name)
			}
			seen[name] = l.Name
			if found, err := Lookup(name); err != nil || found.Name != l.Name {
				t.Errorf("%s: %v %v", name, found, err)
			}
		}
		if OfFile("x/"+l.File) != l.Name || l.Package == "" || len(l.Programs) == 0 {
			t.Errorf("%+v", l)
		}
		made := slices.Contains(l.Run, binary)
		if made != (l.Compile != nil) || made == slices.Contains(l.Run, file) {
			t.Errorf("%s is neither compiled nor interpreted: %v, %v", l.Name, l.Compile, l.Run)
		}
	}
	if _, err := Lookup("cobol"); hint.Of(err) == "" {
		t.Error(err)
	}
}
