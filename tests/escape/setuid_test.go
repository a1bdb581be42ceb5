package escape

import (
	"os"
	"testing"
)

// Bare it stands for nobody, who becomes root by the program's set-user-ID bit.
func TestASetUserIDProgramGivesNothing(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a set-user-ID program of root's")
	}
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
