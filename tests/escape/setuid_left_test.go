package escape

import (
	"os"
	"testing"
)

// A set-user-ID program in the workspace belongs to its owner, on the host, where anybody may run
// it.
func TestCannotLeaveASetUserIDProgramInTheWorkspace(t *testing.T) {
	ways := map[string]string{
		"chmod":    `int fd = TRY(open(argv[1], O_CREAT | O_WRONLY, 0755)); close(fd); TRY(chmod(argv[1], 04755));`,
		"fchmod":   `int fd = TRY(open(argv[1], O_CREAT | O_WRONLY, 0755)); TRY(fchmod(fd, 04755));`,
		"fchmodat": `int fd = TRY(open(argv[1], O_CREAT | O_WRONLY, 0755)); close(fd); TRY(syscall(SYS_fchmodat, AT_FDCWD, argv[1], 04755));`,
		"open":     `TRY(syscall(SYS_open, argv[1], O_CREAT | O_WRONLY, 04755));`,
		"openat":   `TRY(syscall(SYS_openat, AT_FDCWD, argv[1], O_CREAT | O_WRONLY, 04755));`,
		"creat":    `TRY(syscall(SYS_creat, argv[1], 04755));`,
		"mknod":    `TRY(mknod(argv[1], S_IFREG | 04755, 0));`,
		"openat2": `struct { unsigned long flags, mode, resolve; } how = {O_CREAT | O_WRONLY, 04755};
			TRY(syscall(SYS_openat2, AT_FDCWD, argv[1], &how, sizeof how));`,
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			dir, at := writableDir(t)
			setuid := func(path string) bool {
				st, err := os.Stat(path)
				return err == nil && st.Mode()&os.ModeSetuid != 0
			}
			hold(t, claim{
				attack: "unlink(argv[1]);\n" + way,
				args:   []string{at("/bare")}, inside: []string{"/work/inside"},
				flags: []string{"--workspace", dir},
				harmed: func(inside bool) bool {
					return inside && setuid(at("/inside")) || !inside && setuid(at("/bare"))
				},
				events: []string{name, "mknodat", "openat", "creat"},
			})
		})
	}
}
