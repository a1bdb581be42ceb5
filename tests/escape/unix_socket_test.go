package escape

import (
	"net"
	"os"
	"strconv"
	"testing"
)

// Where a sandbox has the host's network (basic), Landlock of Linux 6.12 keeps abstract sockets
// apart; before, nothing does.
func TestCannotConnectToAnAbstractSocketOfTheHost(t *testing.T) {
	name := "@mcpbox-escape-" + strconv.Itoa(os.Getpid())
	l, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	hold(t, claim{
		attack: `
	struct sockaddr_un to = {AF_UNIX};
	memcpy(to.sun_path + 1, argv[1] + 1, strlen(argv[1]) - 1);
	int fd = TRY(socket(AF_UNIX, SOCK_STREAM, 0));
	TRY(connect(fd, (void *)&to, offsetof(struct sockaddr_un, sun_path) + strlen(argv[1])));`,
		args: []string{name}, presets: without("basic"),
		events: []string{"socket"}, silent: []string{"standard", "strict"},
	})
}

func TestCannotConnectToASocketFileOfTheHost(t *testing.T) {
	path := hostDir(t) + "/s"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	hold(t, claim{
		attack: `
	struct sockaddr_un to = {AF_UNIX};
	strcpy(to.sun_path, argv[1]);
	int fd = TRY(socket(AF_UNIX, SOCK_STREAM, 0));
	TRY(connect(fd, (void *)&to, sizeof to));`,
		args:   []string{path},
		events: []string{"socket"}, silent: []string{"basic", "standard", "strict"},
	})
}
