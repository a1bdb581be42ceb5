package escape

import "testing"

// Bare in a user namespace of its own, where it may mount; inside it can't make one.
const ownNamespace = `
	int uid = getuid();
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) {
		char map[64];
		int fd = open("/proc/self/uid_map", O_WRONLY);
		write(fd, map, snprintf(map, sizeof map, "0 %d 1", uid));
		close(fd);
	}
`

func TestCannotMakeAReadOnlyMountWritable(t *testing.T) {
	dir, _ := writableDir(t)
	hold(t, claim{
		attack: ownNamespace + `
	mount(argv[1], argv[1], NULL, MS_BIND, NULL);
	TRY(mount(NULL, argv[1], NULL, MS_REMOUNT | MS_BIND | MS_NOEXEC, NULL));`,
		args: []string{dir}, inside: []string{"/data"},
		flags:  []string{"--mount", dir + ":/data:ro"},
		events: []string{"mount", "unshare"},
	})
}

func TestCannotMountAFileSystem(t *testing.T) {
	dir, _ := writableDir(t)
	hold(t, claim{
		attack: ownNamespace + `TRY(mount("none", argv[1], "tmpfs", 0, ""));`,
		args:   []string{dir}, inside: []string{"/tmp"},
		events: []string{"mount", "unshare"},
	})
}

func TestCannotUnmountWhatHidesThePartsOfProc(t *testing.T) {
	dir, _ := writableDir(t)
	hold(t, claim{
		attack: ownNamespace + `
	mount("none", argv[1], "tmpfs", 0, "");
	TRY(umount2(argv[1], MNT_DETACH));`,
		args: []string{dir}, inside: []string{"/proc/kcore"},
		events: []string{"umount2", "unshare"},
	})
}

func TestCannotMountAProcOfItsOwn(t *testing.T) {
	dir, _ := writableDir(t)
	hold(t, claim{
		attack: `
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID) == 0) {
		pid_t child = fork();
		if (child) { int status; waitpid(child, &status, 0); _exit(WEXITSTATUS(status)); }
	}
	TRY(mount("proc", argv[1], "proc", 0, ""));`,
		args: []string{dir}, inside: []string{"/tmp"}, mayLack: "EPERM",
		// a host whose own /proc is masked, such as a container
		events: []string{"mount", "unshare"},
	})
}
