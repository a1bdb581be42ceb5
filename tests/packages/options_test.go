package packages

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/tests/internal/built"
)

// tells is a program that says which of some modules it has.
const tells = `import importlib.util, sys
def main():
    have = [m for m in ("acme_words", "acme_extra", "acme_more") if importlib.util.find_spec(m)]
    print(" ".join(have + sys.argv[1:]))
`

// uvx takes extras, further packages, an interpreter and an index.
func TestOptionsOfUvx(t *testing.T) {
	u := newPyUser(t)
	u.index.publish(wheel{name: "acme-extra", module: ""})
	u.index.publish(wheel{name: "acme-more", module: ""})
	u.index.publish(wheel{name: "tells", module: tells, needs: []string{
		"acme-words; extra == 'words'", "acme-extra; extra == 'extra'"},
		scripts: map[string]string{"tells": "tells:main", "other": "tells:main"}})
	out, err := exec.Command("python3", "-c",
		"import sys; print('%d.%d' % sys.version_info[:2])").Output()
	if err != nil {
		t.Fatal(err)
	}
	minor := strings.TrimSpace(string(out))
	for command, want := range map[string]string{
		"uvx tells a":                                          "a",
		"uvx tells[extra,words] a":                             "acme_words acme_extra a",
		"uvx --from tells[words]==1.0 other":                   "acme_words",
		"uvx --with acme-more tells":                           "acme_more",
		"uv tool run --with acme-more,acme-words tells":        "acme_words acme_more",
		"uvx --with acme-more>=1 --from tells[extra] other -x": "acme_extra acme_more -x",
		"uvx --python " + minor + " tells b":                   "b",
		"uvx -p python" + minor + ".1 tells c":                 "c",
	} {
		out, said := u.mcpbox("", append([]string{"run", "--"}, strings.Fields(command)...)...)
		if strings.TrimSpace(out) != want {
			t.Errorf("%s: %q, not %q\n%s", command, out, want, said)
		}
	}
	if _, said := u.mcpbox("", "run", "--", "uvx", "--python", "3.1", "tells"); !strings.Contains(
		said, "python3.1 is not in PATH") {
		t.Errorf("a Python that is not there: %s", said)
	}
	// The command line's index is asked, and the configured one is not.
	u.env = []string{"PIP_CERT=" + u.CA.File, "PIP_INDEX_URL=https://missing.example.test/simple/"}
	index := "https://" + indexHost + ":8443/simple/"
	for _, option := range []string{"--default-index", "-i"} {
		out, said := u.mcpbox("", "run", "--", "uvx", option, index, "tells", option)
		if strings.TrimSpace(out) != option {
			t.Errorf("%s: %s%s", option, out, said)
		}
	}
}

// Two indexes have one name: pip takes the highest version, which somebody may have published for
// that.
func TestTwoIndexesWithOneNameAreAFinding(t *testing.T) {
	u := newPyUser(t)
	public := newIndexAt(u.World, t, "public.example.test", "203.0.113.11")
	u.index.publish(pyNotes("acme-notes"))
	u.index.publish(pyNotes("same"))
	public.publish(pyNotes("same")) // a mirror has the same files
	public.publish(wheel{name: "acme-words", module: "NAME = 'notes'\n"})
	higher := pyNotes("acme-notes")
	higher.version = "99.0"
	public.publish(higher)
	u.env = append(u.env, "PIP_EXTRA_INDEX_URL=https://public.example.test:8443/simple/")
	out, said := u.mcpbox("", "audit", "pypi:acme-notes")
	if !strings.HasPrefix(out, "acme-notes@99.0: quarantined: another index has other files by "+
		"this name") {
		t.Errorf("%s%s", out, said)
	}
	if out, said := u.mcpbox("", "audit", "pypi:same"); strings.Contains(out, "another index") ||
		out == "" {
		t.Errorf("a mirror: %s%s", out, said)
	}
}

// npx takes @acme from the registry of the project's npmrc. mcpbox does not read that file, as it
// may be a stranger's. It must not take the package from the public registry instead.
func TestAProjectsRegistryIsNotReplacedInSilence(t *testing.T) {
	u := newUser(t)
	u.publish("@acme/notes", notes())
	u.publish("plain", notes())
	project := t.TempDir()
	inside := filepath.Join(project, "src")
	if err := os.Mkdir(inside, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"package.json": "{}",
		".npmrc": "@acme:registry=https://corp.example.test/\ncache=/tmp/evil\n"} {
		if err := os.WriteFile(filepath.Join(project, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	install := func(spec string) string {
		out, _ := u.command("sh", "-c", `cd "$1" && exec "$2" install "$3"`, "sh", inside,
			built.Mcpbox(t), spec).CombinedOutput()
		return string(out)
	}
	if out := install("npm:@acme/notes"); !strings.Contains(out, filepath.Join(project, ".npmrc")+
		" takes @acme/notes from https://corp.example.test/") || u.asked("@acme/notes") != 0 {
		t.Errorf("%s", out)
	}
	if out := install("npm:plain"); !strings.Contains(out, "plain@1.0.0\tsha512-") {
		t.Errorf("%s", out)
	}
}

// What is denied does not come along with something else.
func TestADeniedPackageIsNotAPartOfAnother(t *testing.T) {
	u := newUser(t)
	u.publish("words", published{})
	p := notes()
	p.manifest["dependencies"] = map[string]any{"words": "*"}
	u.publish("notes", p)
	start := []string{"mcp", "--", "npx", "-y", "notes"}
	if out, said := u.mcpbox(hello, start...); out == "" {
		t.Fatal(said)
	}
	u.mcpbox("", "deny", "words", "--reason", "it was sold")
	out, said := u.mcpbox(hello, start...)
	const want = "notes@1.0.0 is denied: it needs words@1.0.0: it was sold"
	if out != "" || !strings.Contains(said, want) {
		t.Errorf("installed: %s%s", out, said)
	}
	u.mcpbox("", "packages", "remove", "notes")
	before := u.asked("notes")
	out, said = u.mcpbox(hello, start...)
	if out != "" || u.asked("notes") != before || !strings.Contains(said, want) {
		t.Errorf("new: %s%s", out, said)
	}
}
