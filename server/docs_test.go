package server_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// step is a command of the document, and what it says it prints.
type step struct{ command, want string }

// steps reads the blocks of ```console: "$ " begins a command, "> " continues one.
func steps(text string) (out []step) {
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(block[1]) {
			switch command, more := strings.CutPrefix(line, "$ "); {
			case more:
				out = append(out, step{command: command})
			case strings.HasPrefix(line, "> ") && out[len(out)-1].want == "":
				out[len(out)-1].command += line[2:]
			default:
				out[len(out)-1].want += line
			}
		}
	}
	return out
}

// TestTheDocumentIsTrue runs every line of docs/API.md in one shell.
func TestTheDocumentIsTrue(t *testing.T) {
	testhost.Need(t, "curl")
	data, err := os.ReadFile("../docs/API.md")
	if err != nil {
		t.Fatal(err)
	}
	all := steps(string(data))
	if len(all) < 20 {
		t.Fatalf("the document has %d commands", len(all))
	}
	d := start(t, folder(t), "allowlist: allow.db\n")
	const mark = "=====next====="
	script := "shopt -s expand_aliases\n"
	for _, s := range all {
		script += s.command + "echo; echo " + mark + "\n"
	}
	cmd := exec.CommandContext(background(t), "bash")
	cmd.Stdin = strings.NewReader(script)
	cmd.Env = append(os.Environ(), "SOCKET="+d.socket)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Logf("the shell: %v", err)
	}
	got := strings.Split(string(out), mark+"\n")
	if len(got) != len(all)+1 {
		t.Fatalf("%d of %d commands have ended:\n%s", len(got)-1, len(all), out)
	}
	for i, s := range all {
		pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(s.want)), "…", ".*")
		if !regexp.MustCompile(`^(?s:` + pattern + `)$`).MatchString(strings.TrimSpace(got[i])) {
			t.Errorf("$ %sprints\n%s\nthe document says\n%s", s.command, got[i], s.want)
		}
	}
}

// TestTheDocumentsConfigIsTrue starts a daemon with the config of docs/API.md, as far as this host
// has what it names.
func TestTheDocumentsConfigIsTrue(t *testing.T) {
	data, err := os.ReadFile("../docs/API.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```yaml\nversion: 1\n(.*?)```").
		FindStringSubmatch(string(data))
	if block == nil {
		t.Fatal("there is no config in the document")
	}
	config := regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(block[1], "127.0.0.1:0")
	dir := folder(t)
	write(t, dir+"/notes.yaml", "version: 1\nextends: standard\n")
	d := start(t, dir, config)
	if _, err := d.Version(background(t)); err != nil {
		t.Error(err)
	}
}
