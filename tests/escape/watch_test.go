package escape

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// A watch on /usr/bin is a live feed of what the host executes.
func TestCannotWatchWhatTheHostExecutes(t *testing.T) {
	hold(t, claim{
		attack: `int fd = inotify_init1(0); if (fd < 0) held("no instance");
	TRY(inotify_add_watch(fd, "/usr/bin", IN_ALL_EVENTS));`,
		events: []string{"inotify_add_watch", "inotify_init1"},
	})
}

func TestCannotWatchAFolderThatItMayOnlyRead(t *testing.T) {
	dir, file := shared(t)
	hold(t, claim{
		attack: `int fd = inotify_init1(0); if (fd < 0) held("no instance");
	for (int i = 1; i < argc - 1; i++) if (inotify_add_watch(fd, argv[i], IN_ALL_EVENTS) >= 0) return;
	TRY(inotify_add_watch(fd, argv[argc - 1], IN_OPEN));`,
		args: []string{dir, file}, inside: []string{"/data/file", "/proc/self/root/data", "/data"},
		flags:  []string{"--mount", dir + ":/data:ro"},
		events: []string{"inotify_add_watch", "inotify_init1"},
	})
}

// What the caller passes in as standard input is a descriptor past all mounts.
func TestCannotWatchTheFolderOfTheCallersInput(t *testing.T) {
	dir, _ := shared(t)
	hold(t, claim{
		attack: `int fd = inotify_init1(0); if (fd < 0) held("no instance");
	TRY(inotify_add_watch(fd, "/proc/self/fd/0", IN_ALL_EVENTS));`,
		stdin: func(t *testing.T) *os.File {
			f, err := os.Open(filepath.Join(dir, "file"))
			if err != nil {
				t.Fatal(err)
			}
			return f
		},
		events: []string{"inotify_add_watch", "inotify_init1"},
	})
}

// The devices in /dev are the host's: everything there opens /dev/null.
func TestCannotWatchTheHostsDevices(t *testing.T) {
	hold(t, claim{
		attack: `int fd = inotify_init1(0); if (fd < 0) held("no instance");
	TRY(inotify_add_watch(fd, "/dev/null", IN_OPEN));`,
		events: []string{"inotify_add_watch", "inotify_init1"},
	})
}

// The path is exchanged between the look at it and the call: by another thread in memory, and by a
// symbolic link.
func TestCannotWatchTheHostByExchangingThePath(t *testing.T) {
	hold(t, claim{
		attack: `
static char path[64];
static volatile int done, begun;
static void *flip(void *x) {
	while (!done) {
		begun = 1;
		strcpy(path, "/usr/bin");
		strcpy(path, "/tmp/wa");
		unlink("/tmp/wl"); symlink("/usr/bin", "/tmp/wl");
		unlink("/tmp/wl"); symlink("/tmp/wa", "/tmp/wl");
	}
	return x;
}
static void attack(int argc, char **argv) {
	struct stat st;
	int fd = inotify_init1(IN_NONBLOCK);
	if (fd < 0) held("no instance");
	stat("/usr/bin", &st);
	mkdir("/tmp/wa", 0755);
	pthread_t t;
	if (pthread_create(&t, 0, flip, 0)) held("no thread");
	while (!begun) usleep(100);
	char name[64], line[512], want[64];
	snprintf(name, sizeof name, "/proc/self/fdinfo/%d", fd);
	snprintf(want, sizeof want, " ino:%lx ", (long)st.st_ino);
	for (time_t end = time(0) + 4; time(0) < end;) {
		for (int i = 0; i < 64; i++) {
			inotify_add_watch(fd, path, IN_OPEN);
			inotify_add_watch(fd, "/tmp/wl", IN_OPEN);
		}
		FILE *f = fopen(name, "r");
		while (f && fgets(line, sizeof line, f)) if (strstr(line, want)) return;
		if (f) fclose(f);
	}
	done = 1;
	pthread_join(t, 0);
	held("no watch on /usr/bin");
}`,
		events: []string{"inotify_add_watch", "inotify_init1", "mkdir"},
	})
}

func TestCannotWatchAMountByFanotify(t *testing.T) {
	hold(t, claim{
		attack: `
	int fd = syscall(SYS_fanotify_init, 0x200 /* FAN_REPORT_FID */, O_RDONLY);
	TRY(fd);
	TRY(syscall(SYS_fanotify_mark, fd, 1, 0x20, AT_FDCWD, "/usr/bin"));`,
		events: []string{"fanotify_init"}, mayLack: "ENOSYS",
	})
}

// Watchers work in what is the tool's own.
func TestWatchersWorkInWritableFolders(t *testing.T) {
	t.Parallel()
	for _, user := range []string{"cold", "built ahead"} {
		t.Run("Node.js, "+user, func(t *testing.T) {
			testhost.Need(t, "sandbox", "node")
			dir, _ := writableDir(t)
			flags := []string{"run", "-q", "--workspace", dir}
			if user != "cold" {
				flags = append(flags, "--resident")
			}
			out, err := exec.Command(mcpbox, append(flags, "--", "node", "-e", `
const fs = require('fs');
fs.mkdirSync('/tmp/private', {mode: 0o700}); fs.mkdirSync('/work/src/deep', {recursive: true});
let left = 0;
for (const dir of ['/work', '/tmp', '/tmp/private', '/home/user', '/work/src/deep']) {
  left++;
  const w = fs.watch(dir, (event, file) => {
    if (file !== 'new.txt') return;
    console.log('seen in ' + dir); w.close(); if (--left === 0) process.exit(0);
  });
  fs.writeFileSync(dir + '/new.txt', 'x');
}
try { fs.watch('/nowhere'); } catch (e) { console.log(e.code); }
setTimeout(() => process.exit(3), 20000);`)...).CombinedOutput()
			if err != nil || strings.Count(string(out), "seen in") != 5 ||
				!strings.Contains(string(out), "ENOENT") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	t.Run("inotifywait", func(t *testing.T) {
		testhost.Need(t, "sandbox", "inotify")
		dir, _ := writableDir(t)
		out, err := exec.Command(mcpbox, "run", "-q", "--workspace", dir, "--", "sh", "-c",
			`mkdir a; inotifywait -q -r -e create --format '%w%f' -t 20 . & 
			 i=0; while kill -0 $! 2>/dev/null && [ $i -lt 200 ]; do touch a/f$i; i=$((i+1)); sleep 0.1; done; wait $!`).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "./a/f") {
			t.Errorf("%v\n%s", err, out)
		}
	})
}
