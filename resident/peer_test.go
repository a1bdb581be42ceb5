package resident

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// A tool in a sandbox may have this user's id, and may see the socket in a bound folder. If it were
// served, it could start programs with any policy.
func TestAToolWithTheUsersIDIsNotServed(t *testing.T) {
	testhost.Need(t, "sandbox", "python3")
	dir := t.TempDir()
	r, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan string, 8)
	done := make(chan error)
	go func() {
		done <- r.Serve(ctx, time.Minute,
			func(_ context.Context, r *Request, _ <-chan Signal) (int, error) {
				served <- strings.Join(r.Args, " ")
				return 0, nil
			})
	}()
	ask := []string{"python3", "-c", `
import array, os, socket, struct, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
body = b"/\0run\0"
fds = array.array("i", [0, 1, 2, os.open("/", os.O_PATH)])
try:
    s.sendmsg([struct.pack("=IIII", 16 + len(body), 1, 0, 0) + body],
              [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
    sys.exit(0 if s.recv(8) else 3)
except (ConnectionResetError, BrokenPipeError):
    sys.exit(3)`, r.path}
	if out, err := exec.Command(ask[0], ask[1:]...).CombinedOutput(); err != nil {
		t.Errorf("a process of the user: %v\n%s", err, out)
	}
	tool := append([]string{"unshare", "--user", "--map-current-user"}, ask...)
	cmd := exec.Command(tool[0], tool[1:]...)
	if out, err := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 3 {
		t.Errorf("a process in another user namespace: %v\n%s", err, out)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if len(served) != 1 {
		t.Errorf("%d requests were served, want 1", len(served))
	}
}
