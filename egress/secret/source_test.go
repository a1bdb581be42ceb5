package secret

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/hint"
)

const value = "correct horse battery staple"

func lookup(name string) (string, bool) {
	v, ok := map[string]string{"VAR": value, "EMPTY": "", "LINES": "two\nlines and more"}[name]
	return v, ok
}

func TestSources(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(value+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"T=env:VAR":      value,
		"T=file:" + file: value,
		"T=cmd:printf '%s\n' " + "'" + value + "'": value,
		"T=env:EMPTY":           "empty",
		"T=env:LINES":           "several lines",
		"T=env:NONE":            "not set",
		"T=cmd:exit 1":          "failed",
		"T=cmd:yes":             "more than",
		"T=file:/no/such/file":  "no such file",
		"T=cmd:echo 1234567":    "fewer than 8",
		"T=" + value:            "not env:, file: or cmd:",
		"T=env:":                "nothing follows",
		"=env:VAR":              "NAME=SOURCE",
		value:                   "what was given",
		"T=vault:secret/github": "unknown source",
	} {
		s, err := Parse(text, lookup)
		var v Value
		if err == nil {
			v, err = s.Read(context.Background())
		}
		switch {
		case want == value:
			if err != nil || v.Reveal() != value {
				t.Errorf("%s: %q, %v", text, v.Reveal(), err)
			}
		case err == nil || !strings.Contains(err.Error(), want):
			t.Errorf("%s: %v, want %q", text, err, want)
		case strings.Contains(err.Error()+hint.Of(err), "horse"):
			t.Errorf("%s: the error has the secret: %v", text, err)
		}
	}
}

func TestAValueIsNotPrinted(t *testing.T) {
	s := Of("T", value)
	v, err := s.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(map[string]any{"a": v, "b": s})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(v, s, &v),
		fmt.Sprintf("%v %+v %#v %s %q", v, v, v, v, v),
		fmt.Sprintf("%v %+v %#v", s, s, s), string(data), fmt.Sprintf("%+v", []any{v, s})} {
		if strings.Contains(text, "horse") {
			t.Error(text)
		}
	}
}

func TestTheUsersFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "secrets.json")
	write := func(text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := Config(path, lookup); len(all) > 0 || err != nil {
		t.Errorf("no file: %v, %v", all, err)
	}
	write(`{"T": {"from": "env:VAR", "hosts": ["api.example.test"]}}`, 0o644)
	all, err := Config(path, lookup)
	if err != nil {
		t.Fatal(err)
	}
	s := all["T"]
	if v, err := s.Read(context.Background()); err != nil || v.Reveal() != value {
		t.Errorf("%v", err)
	}
	if !s.Allows("api.example.test:443") || s.Allows("evil.example.test") {
		t.Errorf("hosts %v", s.Hosts)
	}
	for text, want := range map[string]string{
		`{"T": {"from": "env:VAR"}}`:                            "has no hosts",
		`{"T": {"from": "` + value + `", "hosts": ["a.test"]}}`: "not env:, file: or cmd:",
		`{"T": {"value": "x"}}`:                                 "unknown field",
		`[]`:                                                    "secrets.json",
	} {
		write(text, 0o600)
		if _, err := Config(path, lookup); err == nil || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "horse") {
			t.Errorf("%s: %v", text, err)
		}
	}
	write(`{}`, 0o666)
	if _, err := Config(path, lookup); err == nil || !strings.Contains(err.Error(), "written by") {
		t.Errorf("anybody's file: %v", err)
	}
}

func TestWhereTheUsersFileIs(t *testing.T) {
	for _, c := range []struct{ xdg, home, want string }{
		{"", "/home/me", "/home/me/.config/mcpbox/secrets.json"},
		{"/etc/xdg", "/home/me", "/etc/xdg/mcpbox/secrets.json"},
		{"relative", "/home/me", "/home/me/.config/mcpbox/secrets.json"},
		{"", "", ""},
	} {
		got := ConfigFile(func(name string) (string, bool) {
			v := map[string]string{"XDG_CONFIG_HOME": c.xdg, "HOME": c.home}[name]
			return v, v != ""
		})
		if got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
