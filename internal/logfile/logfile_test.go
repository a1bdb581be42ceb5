package logfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOnlyTheUsersOwnFileIsWritten(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(at("everybody's"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(at("everybody's"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(at("mine"), at("link")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(at("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"mine": "", "everybody's": "another user may write it",
		"link": "symbolic link", "fifo": "no reader"}
	if os.Geteuid() == 0 {
		want["foreign"] = "another user may write it"
		if err := os.WriteFile(at("foreign"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(at("foreign"), 12345, 12345); err != nil {
			t.Fatal(err)
		}
	}
	for name, problem := range want {
		f, err := Open("events file", at(name), os.O_APPEND)
		if (err == nil) != (problem == "") || err != nil && !strings.Contains(err.Error(),
			problem) {
			t.Errorf("%s: %v", name, err)
		}
		if f != nil {
			f.Close()
		}
	}
	if info, err := os.Stat(at("mine")); err != nil || info.Mode() != 0o600 {
		t.Errorf("its mode: %v, %v", info, err)
	}
}
