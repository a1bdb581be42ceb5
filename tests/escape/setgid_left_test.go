package escape

import (
	"os"
	"testing"
)

// A folder may have the set-group-ID bit. The supervisor, which gives it, must not be led to a
// file: neither by a link, nor by one put in the folder's place while it looks.
func TestCannotLeaveASetGroupIDProgramInTheWorkspace(t *testing.T) {
	const prepare = `char file[4096], dir[4096], x[4096];
		snprintf(file, sizeof file, "%s/file", argv[1]); snprintf(dir, sizeof dir, "%s/dir", argv[1]); snprintf(x, sizeof x, "%s/x", argv[1]);
		close(open(file, O_CREAT | O_WRONLY, 0755)); mkdir(dir, 0755); struct stat st;
	`
	ways := map[string]string{
		"chmod":  prepare + `TRY(chmod(file, 02755));`,
		"fchmod": prepare + `TRY(fchmod(open(file, O_WRONLY), 02755));`,
		"a link": prepare + `symlink(file, x); TRY(chmod(x, 02755));`,
		"a link of proc": prepare +
			`snprintf(x, sizeof x, "/proc/self/fd/%d", open(file, O_WRONLY)); TRY(chmod(x, 02755));`,
		"exchanging": prepare + `
			pid_t child = fork();
			if (!child) for (;;) syscall(SYS_renameat2, AT_FDCWD, file, AT_FDCWD, dir, 2);
			int found = 0;
			for (int i = 0; i < 3000 && !found; i++) {
				chmod(file, 02755); chmod(dir, 02755);
				found = !stat(file, &st) && S_ISREG(st.st_mode) && (st.st_mode & S_ISGID) || !stat(dir, &st) && S_ISREG(st.st_mode) && (st.st_mode & S_ISGID);
			}
			kill(child, SIGKILL); waitpid(child, 0, 0);
			errno = EPERM;
			TRY(found ? 0 : -1);`,
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			bare, _ := writableDir(t)
			inside, _ := writableDir(t)
			hold(t, claim{
				attack: way, args: []string{bare}, inside: []string{"/work"},
				flags: []string{"--workspace", inside},
				// Under strict and maximum no process is forked.
				presets: []string{"basic", "standard"},
				harmed: func(in bool) bool {
					dir := bare
					if in {
						dir = inside
					}
					entries, _ := os.ReadDir(dir)
					for _, e := range entries {
						if st, err := e.Info(); err == nil && st.Mode().IsRegular() &&
							st.Mode()&os.ModeSetgid != 0 {
							return true
						}
					}
					return false
				},
				events: []string{"chmod", "fchmod", "fchmodat"},
			})
		})
	}
}
