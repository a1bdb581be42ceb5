package escape

import (
	"fmt"
	"net"
	"testing"
)

func TestCannotSendADatagramToTheHost(t *testing.T) {
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	_, port, _ := net.SplitHostPort(l.LocalAddr().String())
	hold(t, claim{
		attack: fmt.Sprintf(tcpConnect, "SOCK_DGRAM") + `
	TRY(send(fd, "x", 1, 0));
	usleep(50000);
	TRY(send(fd, "x", 1, 0)); // the first one came back as unreachable`,
		args: []string{port}, presets: without("basic"),
		events: []string{"socket"}, silent: []string{"standard"},
	})
}
