package config

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// An error names the file, the line and the column, and has a hint.
func TestAMistakeIsNamedWithItsPlace(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "serve.yaml")
	for text, want := range map[string]string{
		"policys: {}\n":        `:2:1: unknown field "policys" \| did you mean policies`,
		"pool: {liv: 1}\n":     `:2:8: unknown field "liv" \| did you mean live`,
		"pool: {live: many}\n": `:2:14: cannot unmarshal`,
		"pool: {live: -4}\n":   `:2:14: pool.live is less than zero`,
		"drain: soon\n":        `:2:8: duration "soon"`,
		"drain: -1s\n":         `:2:8: `,
		"a: b: c\n":            `:2:4: mapping value`,
		"users: abc\n":         `:2:8: string was used`,
		"users: [1, -2]\n":     `:2:12: user -2`,
		"tokens:\n  - name: a b\n    sha256: x\n":                          `:4:13: token "a b"`,
		"webhooks:\n  - {url: \"ftp://x\"}\n":                              `:3:11: webhook "ftp://x"`,
		"servers:\n  a: {command: []}\n":                                   `:3:6: server a has no command`,
		"servers: {a: {command: [x], policy: y}}\n":                        `:2:37: there is no policy "y"`,
		"policies:\n  x: none.yaml\n":                                      `:3:6: policy file .* does not exist`,
		"policies:\n  strict: a.yaml\n":                                    `:3:11: policy "strict": there is a preset`,
		"pool: {warm: [strict, nil]}\n":                                    `:2:23: `,
		"rules:\n  - {id: a, when: refused}\n  - {id: b, when: \"x (\"}\n": `:4:5: rule "b": when:1:`,
		"rules:\n  - {id: a, when: refused}\n  - {id: a, when: refused}\n": `:4:5: two rules`,
		"tls: {key: x}\n":                                                  `:2:6: tls: certificate and key`,
	} {
		if err := os.WriteFile(file, []byte("version: 1\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(file)
		if err == nil {
			t.Errorf("%q was taken", text)
			continue
		}
		got := err.Error() + " | " + hint.Of(err)
		if !regexp.MustCompile(`^config `+regexp.QuoteMeta(file)+want).MatchString(got) ||
			hint.Of(err) == "" {
			t.Errorf("%q:\n%s\nwant %s", text, got, want)
		}
	}
}

func TestAPlainNameFitsIntoAnAddress(t *testing.T) {
	for name, want := range map[string]bool{"notes": true, "A1.b-c_d": true, "": false, ".x": false,
		"-x":  false,
		"a/b": false, "a b": false, "a\x00": false, "é": false, "a?b": false} {
		if plainName(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
