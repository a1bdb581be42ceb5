package needs

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// shared lists folders that a server never gets as a whole.
var shared = []string{"/", "/boot", "/dev", "/etc", "/home", "/media", "/mnt", "/opt", "/proc",
	"/root", "/run", "/srv", "/sys", "/tmp", "/usr", "/var", "/var/lib", "/var/run", "/var/tmp",
	"/run/user"}

// Protected is protected, for callers that would suggest a mount.
func Protected(path, home string) string { return protected(path, home) }

// protected describes a path that is never mounted without a request. It returns "" for other
// paths.
func protected(path, home string) string {
	real := path
	if r, err := filepath.EvalSymlinks(path); err == nil {
		real = r
	}
	for _, p := range slices.Compact([]string{path, real}) {
		switch {
		case p == home:
			return "your home folder"
		case home != "" && within(home, p), slices.Contains(shared, p):
			return "a folder with much else in it"
		case within(p, "/proc"), within(p, "/sys"), within(p, "/dev"):
			return "a part of the kernel's file systems"
		}
		if rest, ok := strings.CutPrefix(p, home+"/."); ok && home != "" &&
			(isDir(p) || strings.Contains(rest, "/")) {
			return "in a dot folder of your home"
		}
	}
	st, err := os.Stat(real)
	switch {
	case err != nil:
		return ""
	case st.Mode()&os.ModeSocket != 0:
		return "a socket"
	case st.Mode()&(os.ModeDevice|os.ModeNamedPipe) != 0:
		return "a device or pipe"
	case st.Mode().IsRegular():
		return credential(real)
	}
	return ""
}

var (
	secretNames = []string{".env", ".netrc", ".npmrc", ".pypirc", ".pgpass", ".git-credentials",
		".htpasswd", "credentials", "credentials.json", "kubeconfig", "token.json", "auth.json",
		"application_default_credentials.json", "service-account.json", "secrets.json",
		"secrets.yaml", "secrets.yml"}
	secretStarts = []string{".env.", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "client_secret"}
	secretEnds   = []string{".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk"}
	secretTexts  = []string{"PRIVATE KEY-----", `"private_key"`, `"client_secret"`,
		`"refresh_token"`, "aws_secret_access_key"}
)

// credential reports, by a file's name or its beginning, that it contains a key or a credential.
func credential(path string) string {
	name := strings.ToLower(filepath.Base(path))
	has := func(list []string, match func(string, string) bool) bool {
		return slices.ContainsFunc(list, func(s string) bool { return match(name, s) })
	}
	if strings.HasSuffix(name, ".pub") || strings.HasSuffix(name, ".example") {
		return ""
	}
	if slices.Contains(secretNames, name) || has(secretStarts, strings.HasPrefix) ||
		has(secretEnds, strings.HasSuffix) {
		return "a key or credential file by its name"
	}
	switch filepath.Ext(name) {
	case ".pem", ".crt", ".cer", ".json", ".ini", ".cfg", ".conf", "":
	default:
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	const beginning = 64 << 10
	data, _ := io.ReadAll(io.LimitReader(f, beginning))
	for _, s := range secretTexts {
		if bytes.Contains(data, []byte(s)) {
			return "a key or credential file by its content"
		}
	}
	return ""
}

// Exposed returns keys and tokens in a folder: in the folder itself, and in the usual folders of
// programs below it. It returns at most ten.
func Exposed(dir string) (out []string) {
	for _, name := range []string{".ssh", ".gnupg", ".aws", ".azure", ".config/gcloud", ".kube",
		".docker/config.json", ".config/gh", ".mozilla", ".config/google-chrome",
		".config/chromium", ".local/share/keyrings", ".password-store", ".bash_history",
		".claude.json", ".claude/.credentials.json", ".gemini", ".codex", ".netrc", ".npmrc",
		".pypirc", ".pgpass", ".git-credentials", ".cargo/credentials.toml",
		".config/rclone", ".terraform.d", "etc/shadow", "etc/ssl/private", "root/.ssh"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			out = append(out, name)
		}
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if path := filepath.Join(dir, e.Name()); !slices.Contains(out, e.Name()) &&
			e.Type().IsRegular() && credential(path) != "" {
			out = append(out, e.Name())
		}
	}
	const most = 10
	return out[:min(len(out), most)]
}
