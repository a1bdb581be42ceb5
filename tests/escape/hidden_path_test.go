package escape

import (
	"os"
	"path/filepath"
	"testing"
)

// The mask lies on the file. One run moves the folder around it away; to the next, the hidden path
// is not there any more.
func TestCannotUncoverAHiddenFileForItsNextRun(t *testing.T) {
	t.Parallel()
	dir := compile(t, `
	if (argc > 2) { TRY(rename(argv[1], argv[2])); return; }
	TRY(open(argv[1], O_RDONLY));
	struct stat st;
	TRY(stat(argv[1], &st));
	if (S_ISCHR(st.st_mode)) held("it is a device, /dev/null");`)
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy,
		[]byte("version: 1\nname: hidden\nextends: standard\nfilesystem: {hidden: "+
			"[/work/private/key]}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	workspace, at := writableDir(t)
	if err := os.Mkdir(at("/private"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("/private/key"), []byte(secret), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) *report {
		return runMcpbox(t, &claim{}, []string{"-q", "--policy", policy, "--workspace", workspace,
			"--mount", dir + ":/attack:ro"}, append([]string{"/attack/attack"}, args...))
	}
	if r := run("/work/private/key"); r.code != 1 {
		t.Errorf("HOLE: the hidden file is there: %d %s", r.code, r.stdout)
	}
	moved := run("/work/private", "/work/elsewhere")
	if r := run("/work/elsewhere/key"); r.code == 0 {
		t.Errorf("HOLE: a first run moved the folder away (%d %s), the next reads the hidden file",
			moved.code, moved.stdout)
	}
}
