package escape

import (
	"fmt"
	"net"
	"testing"
)

const tcpConnect = `
	struct sockaddr_in to = {AF_INET, htons(atoi(argv[1])), {htonl(INADDR_LOOPBACK)}};
	int fd = TRY(socket(AF_INET, %s, 0));
	TRY(connect(fd, (void *)&to, sizeof to));`

// basic has the host's network by design.
func TestCannotConnectToAServiceOnTheHostsLoopback(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	hold(t, claim{
		attack: fmt.Sprintf(tcpConnect, "SOCK_STREAM"), args: []string{port},
		presets: without("basic"),
		events:  []string{"socket"}, silent: []string{"standard"},
		// nobody listens on its own loopback
	})
}
