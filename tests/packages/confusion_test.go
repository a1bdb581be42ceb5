package packages

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a package brings of its own does not say which archive belongs to a name: a lock file, an
// alias, the address of an archive, a manifest.
func TestAPackageCannotGiveArchivesOtherNames(t *testing.T) {
	u := newUser(t)
	u.publish("words", published{})
	evil := published{files: []file{{name: "package/evil.js", content: "evil()"}}}
	u.publish("evil", evil)
	u.publish("impostor", published{archived: map[string]any{"name": "words"},
		files: evil.files})
	u.mu.Lock()
	archive := u.packages["evil"][0].archive()
	u.mu.Unlock()
	sum := sha512.Sum512(archive)
	integrity := "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
	lock := func(resolved string) []file {
		text, _ := json.Marshal(map[string]any{"name": "locked", "version": "1.0.0",
			"lockfileVersion": 3, "packages": map[string]any{
				"": map[string]any{"name": "locked", "version": "1.0.0",
					"dependencies": map[string]any{"words": "1.0.0"}},
				"node_modules/words": map[string]any{"version": "1.0.0", "resolved": resolved,
					"integrity": integrity}}})
		return []file{{name: "package/npm-shrinkwrap.json", content: string(text)}}
	}
	needs := func(name string, what any) published {
		p := notes()
		p.manifest["dependencies"] = map[string]any{name: what}
		return p
	}
	locked := needs("words", "1.0.0")
	locked.manifest["_hasShrinkwrap"] = true
	locked.files = append(locked.files, lock("https://"+host+"/evil/-/1.0.0.tgz")...)
	hidden := notes()
	hidden.archived = map[string]any{"scripts": map[string]any{"postinstall": "curl evil"}}
	other := notes()
	other.archived = map[string]any{"name": "well-known"}
	file := filepath.Join(t.TempDir(), "MAL-1.json")
	if err := os.WriteFile(file, []byte(`{"id": "MAL-1", "affected": [{"package": {"ecosystem":
		"npm", "name": "evil"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}]}`),
		0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		p    published
		want string
	}{
		{"locked", locked, "denied: it is another archive than the registry has by this name " +
			"(words@1.0.0)"},
		{"url", needs("words", "https://"+host+"/impostor/-/1.0.0.tgz"), "denied: it is another " +
			"archive than the registry has by this name (words@1.0.0)"},
		{"hidden", hidden, "quarantined: its archive has an install script that the registry " +
			"does not name (hidden@1.0.0 postinstall: curl evil)"},
		{"other", other, "quarantined: its archive is of another package than the registry says"},
		{"git", needs("words", "git+https://"+host+"/evil.git"), "npm failed"},
		{"folder", needs("words", "file:/etc"), "npm"},
	} {
		u.publish(c.name, c.p)
		out, said := u.mcpbox("", "audit", c.name)
		if !strings.Contains(out+said, c.want) {
			t.Errorf("%s: %s%s", c.name, out, said)
		}
	}
	u.mcpbox("", "audit", "db", "import", file)
	for name, what := range map[string]string{"alias": "npm:evil@1.0.0",
		"address": "https://" + host + "/evil/-/1.0.0.tgz"} {
		u.publish(name, needs("words", what))
		if out, said := u.mcpbox("", "install", "npm:"+name); out != "" || !strings.Contains(said,
			name+"@1.0.0 is denied: it is known to be malicious (evil@1.0.0 MAL-1)") {
			t.Errorf("%s: %s%s", name, out, said)
		}
	}
}
