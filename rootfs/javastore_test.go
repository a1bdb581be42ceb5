package rootfs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/internal/testnet"
)

// Java's own tool reads the store, checks its digest and finds each certificate.
func TestJavaReadsTheStore(t *testing.T) {
	testhost.Need(t, "java")
	one, err := os.ReadFile(testnet.NewCA(t).File)
	if err != nil {
		t.Fatal(err)
	}
	two, err := os.ReadFile(testnet.NewCA(t).File)
	if err != nil {
		t.Fatal(err)
	}
	text := append(append(append([]byte("# words\n"), one...), "\nwords between\n"...), two...)
	file := filepath.Join(t.TempDir(), "store")
	if err := os.WriteFile(file, javaStore(text), 0o644); err != nil {
		t.Fatal(err)
	}
	list := func(password string) string {
		out, err := exec.Command("keytool", "-list", "-keystore", file, "-storepass",
			password).CombinedOutput()
		if err != nil {
			return err.Error() + string(out)
		}
		return string(out)
	}
	if out := list("changeit"); !strings.Contains(out, "contains 2 entries") ||
		strings.Count(out, "trustedCertEntry") != 2 {
		t.Error(out)
	}
	if out := list("another"); !strings.Contains(out, "tampered with, or password was incorrect") {
		t.Errorf("the digest is not checked: %s", out)
	}
}
