package resident

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestSocketsThatNobodyListensOnAreRemoved(t *testing.T) {
	dir := t.TempDir()
	listen := func(name string) *net.UnixListener {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, name), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		t.Cleanup(func() { l.Close() })
		return l
	}
	listen("resident-alive")
	listen("resident-dead").Close()
	removed, err := Collect(dir)
	if err != nil || len(removed) != 1 || filepath.Base(removed[0]) != "resident-dead" {
		t.Errorf("removed %v, %v", removed, err)
	}
	for name, want := range map[string]bool{"resident-alive": true, "resident-dead": false} {
		if _, err := os.Lstat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s: there %v, want %v", name, err == nil, want)
		}
	}
}
