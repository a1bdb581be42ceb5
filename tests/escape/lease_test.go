package escape

import (
	"os"
	"path/filepath"
	"testing"
)

// shared is a file that the tool may only read, of the owner that a bound folder gives it.
func shared(t *testing.T) (dir, file string) {
	t.Helper()
	dir, _ = writableDir(t)
	file = filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir, file
}

// A lease makes whoever wants to write the file wait for 45 seconds, each time.
func TestCannotMakeTheHostsWritersWaitByALease(t *testing.T) {
	dir, file := shared(t)
	hold(t, claim{
		attack: `int fd = open(argv[1], O_RDONLY); TRY(fcntl(fd, F_SETLEASE, F_RDLCK));`,
		args:   []string{file}, inside: []string{"/data/file"},
		flags: []string{"--mount", dir + ":/data:ro"}, events: []string{"fcntl"},
	})
}

func TestCannotWatchAFolderOfTheHostByDnotify(t *testing.T) {
	dir, _ := shared(t)
	hold(t, claim{
		attack: `int fd = open(argv[1], O_RDONLY | O_DIRECTORY); TRY(fcntl(fd, F_NOTIFY, DN_ACCESS | DN_MULTISHOT));`,
		args:   []string{dir}, inside: []string{"/data"},
		flags: []string{"--mount", dir + ":/data:ro"}, events: []string{"fcntl"},
	})
}

func TestCannotAskWhichDiskOfTheHostAFileIsOn(t *testing.T) {
	hold(t, claim{
		attack: `unsigned char id[17]; int fd = open("/", O_RDONLY | O_DIRECTORY); errno = ENOTTY; TRY(ioctl(fd, 0x80111500, id) ? (errno == EPERM ? -1 : 0) : 0);`,
		events: []string{"ioctl"},
	})
}

func TestCannotLeaveAWhiteout(t *testing.T) {
	dir, at := writableDir(t)
	hold(t, claim{
		attack: `close(open(argv[1], O_CREAT | O_WRONLY, 0644)); TRY(syscall(SYS_renameat2, AT_FDCWD, argv[1], AT_FDCWD, argv[2], 4));`,
		args:   []string{at("/a"), at("/b")}, inside: []string{"/work/c", "/work/d"},
		flags: []string{"--workspace", dir}, needsRoot: true,
		events: []string{"renameat2", "openat"},
	})
}
