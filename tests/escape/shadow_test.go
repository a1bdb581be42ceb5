package escape

import "testing"

func TestCannotReadThePasswordsOfTheHost(t *testing.T) {
	hold(t, claim{attack: `TRY(open("/etc/shadow", O_RDONLY));`, needsRoot: true})
}
