package escape

import "testing"

func TestACrashLeavesNoCoreFile(t *testing.T) {
	dir, at := writableDir(t)
	source := `
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	TRY(chdir(argv[1]));
	pid_t pid = TRY(fork());
	if (!pid) { TRY(setrlimit(RLIMIT_CORE, &all)); abort(); }
	int status;
	waitpid(pid, &status, 0);
	if (!WIFSIGNALED(status)) held("the limit can't be raised");
	if (!WCOREDUMP(status)) held("no core");`
	_ = at
	hold(t, claim{
		attack: source, args: []string{dir}, inside: []string{"/work"},
		flags:     []string{"--workspace", dir},
		needsRoot: true, events: []string{"clone"}, silent: []string{"basic", "standard"},
	})
}
