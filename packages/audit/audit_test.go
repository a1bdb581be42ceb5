package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func tree(t *testing.T, source, lock string) string {
	dir := t.TempDir()
	own := filepath.Join(dir, "node_modules", "notes")
	if err := os.MkdirAll(own, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{filepath.Join(own, "x.js"): source,
		filepath.Join(dir, "package-lock.json"): lock} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestWhatIsFoundInATree(t *testing.T) {
	const plain = `{"packages": {"": {}, "node_modules/notes": {"version": "1.0.0"}}}`
	scripts := strings.Replace(plain, `"1.0.0"`, `"1.0.0", "hasInstallScript": true`, 1)
	obfuscated := ""
	for i := range 60 {
		obfuscated += fmt.Sprintf("var _0x%04x=1;", i)
	}
	for _, c := range []struct {
		source, lock, want string
		verdict            Verdict
	}{
		{"console.log(1)", plain, "", Audited},
		{"// żółć 日本語 👩‍💻", plain, "", Audited}, // a joiner in an emoji is none of it
		{"var _0x12ab = 1", plain, "", Audited},
		{"evaluate(atob)", plain, "", Audited},
		{"// \u202e", plain, "hidden high", Quarantined},
		{"// \U000E0041", plain, "hidden high", Quarantined},
		{obfuscated, plain, "obfuscated high", Quarantined},
		{"eval(Buffer.from(x, 'base64')+'')", plain, "obfuscated high", Quarantined},
		{"require('child_process')", plain, "exec info", Audited},
		{"import x from \"node:https\"", plain, "network info", Audited},
		{"", scripts, "script medium", Audited},
	} {
		found, err := Tree(tree(t, c.source, c.lock), "notes")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range found {
			got = append(got, f.ID+" "+string(f.Severity))
		}
		if strings.Join(got, ", ") != c.want || Judge(found) != c.verdict {
			t.Errorf("%.40q: %v, %s", c.source, got, Judge(found))
		}
	}
}

func TestNamesThatImitate(t *testing.T) {
	for given, bad := range map[string]bool{
		"@modelcontextprotocol/server-memory":  false,
		"@modelcontextprotocol/server-memroy":  true,
		"@modelcontextprotocol/server-memorry": true,
		"@modelcontextprotocoI/server-memory":  true,
		"@modelcontextprotcol/server-memory":   true,
		"@modelcontext-protocol/server-memory": true,
		"mcp-remot":                            true,
		"notes":                                false,
		"is-odd":                               false,
		"@acme/server-memory":                  false,
	} {
		if got := name(given); (got != nil) != bad {
			t.Errorf("%s: %v", given, got)
		}
	}
	if known := wellKnown(); slices.ContainsFunc(known, func(n string) bool { return name(n) != nil }) {
		t.Error("a well-known name imitates another one")
	}
}

func TestAVersionIsYoungForThreeDays(t *testing.T) {
	now := time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		age     time.Duration
		verdict Verdict
	}{{-time.Hour, Quarantined}, {time.Hour, Quarantined}, {71 * time.Hour, Quarantined},
		{73 * time.Hour, Audited}} {
		if got := Judge(Age(now.Add(-c.age), now)); got != c.verdict {
			t.Errorf("%s: %s", c.age, got)
		}
	}
	if got := Age(time.Time{}, now); len(got) != 1 || Judge(got) != Audited {
		t.Errorf("unknown: %v", got)
	}
}
