package escape

import (
	"os"
	"testing"
)

func TestCannotSeeTheHomeOfItsCaller(t *testing.T) {
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	hold(t, claim{attack: `TRY(open(argv[1], O_RDONLY | O_DIRECTORY));`, args: []string{home}})
}
