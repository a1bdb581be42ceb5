package escape

import "testing"

const fill = `
	char *block = calloc(1, 1 << 20);
	int fd = TRY(open(argv[1], O_CREAT | O_WRONLY | O_TRUNC, 0600));
	for (int i = 0; i < 32; i++) TRY(write(fd, block, 1 << 20));`

func TestCannotWriteMoreThanItsOwnStorageHolds(t *testing.T) {
	for _, dir := range []string{"/tmp", "/dev/shm", "/work", "/home/user"} {
		t.Run(dir, func(t *testing.T) {
			_, at := writableDir(t)
			hold(t, claim{
				attack: fill, args: []string{at("/f")}, inside: []string{dir + "/f"},
				flags: []string{"--disk", "8MiB", "--file-size", "100MiB"}, endsAs: "disk_limit",
				events: []string{"disk"},
			})
		})
	}
}

func TestCannotWriteALargerFileThanItMay(t *testing.T) {
	dir, at := writableDir(t)
	hold(t, claim{
		attack: `signal(SIGXFSZ, SIG_IGN);` + fill, args: []string{at("/f")},
		inside: []string{"/work/f"},
		flags:  []string{"--workspace", dir, "--file-size", "4MiB"},
	})
}
