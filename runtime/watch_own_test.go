package runtime

import (
	"bytes"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// A program can watch its own folders, also those that only it may enter. If an ordinary user
// starts it with a subordinate id, the supervisor may not enter them.
func TestAProgramCanWatchItsOwnFolders(t *testing.T) {
	testhost.Need(t, "sandbox", "python3")
	const script = `
import ctypes, os
c = ctypes.CDLL(None, use_errno=True)
fd = c.inotify_init()
os.makedirs("/home/user/private/below")
os.symlink("/usr/bin", "/home/user/private/link")
os.chmod("/home/user/private", 0o700)
os.chdir("/home/user/private")
for path in (b"/home/user", b"/home/user/private/below", b"below", b"/tmp",
             b"/home/user/none", b"/home/user/private/link", b"/usr/bin"):
    wd = c.inotify_add_watch(fd, path, 0xfff)
    print("watched" if wd > 0 else ctypes.get_errno())
os.mkdir("/home/user/private/below/new")
print(b"new" in os.read(fd, 4096))`
	const want = "watched\nwatched\nwatched\nwatched\n2\n1\n1\nTrue\n"
	var out bytes.Buffer
	cmd := Command{Args: []string{"python3", "-c", script}, Stdout: &out}
	for cells := range 2 {
		out.Reset()
		var res *Result
		if box := startBoxOf(t, standard(t), cells); cells > 0 {
			res = inCell(t, box, cmd)
		} else {
			res = finish(t, box, cmd)
		}
		if out.String() != want || len(res.Events) != 2 {
			t.Errorf("%d cells: %q, events %v", cells, out.String(), res.Events)
		}
	}
}
