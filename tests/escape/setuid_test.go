package escape

import (
	"os"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// Bare it stands for nobody, who becomes root by the program's set-user-ID bit.
func TestASetUserIDProgramGivesNothing(t *testing.T) {
	testhost.Need(t, "root") // to make a set-user-ID program of root's
	source := `
	if (geteuid() == 0 && getuid() == 0) {
		TRY(setresgid(65534, 65534, 65534));
		TRY(setresuid(65534, 65534, 65534));
		TRY(execl("/proc/self/exe", "attack", NULL));
	}
	if (geteuid() != 0) held("not root");`
	dir := compile(t, source)
	if err := os.Chmod(dir+"/attack", os.ModeSetuid|0o755); err != nil {
		t.Fatal(err)
	}
	hold(t, claim{attack: source})
}
