package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// Entry is one secret in a file of the user's or the operator's.
type Entry struct {
	From  string   `json:"from" yaml:"from"`   // env:VARIABLE, file:PATH or cmd:COMMAND
	Hosts []string `json:"hosts" yaml:"hosts"` // where it may go, whatever a policy says
}

// Sources are those of a file. The hosts are a must: a policy that somebody else wrote may name any
// secret, for any host.
func Sources(entries map[string]Entry, lookupEnv func(string) (string, bool)) (map[string]Source,
	error) {
	out := map[string]Source{}
	for name, e := range entries {
		s, err := Parse(name+"="+e.From, lookupEnv)
		if err != nil {
			return nil, err
		}
		if len(e.Hosts) == 0 {
			return nil, hint.Errorf("such as hosts: [api.example.com]",
				"secret %s has no hosts", name)
		}
		s.Hosts = e.Hosts
		out[name] = s
	}
	return out, nil
}

// ConfigFile is the user's own file of sources: secrets.json in the folder mcpbox of
// $XDG_CONFIG_HOME, which is ~/.config by default.
func ConfigFile(lookupEnv func(string) (string, bool)) string {
	dir, ok := lookupEnv("XDG_CONFIG_HOME")
	if !ok || !filepath.IsAbs(dir) {
		home, ok := lookupEnv("HOME")
		if !ok || !filepath.IsAbs(home) {
			return ""
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "mcpbox", "secrets.json")
}

// Config reads such a file: {"GITHUB_TOKEN": {"from": "file:/home/me/.gh", "hosts":
// ["api.github.com"]}}. A file that is not there has no sources.
func Config(path string, lookupEnv func(string) (string, bool)) (map[string]Source, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if err := private(f); err != nil {
		return nil, err
	}
	var entries map[string]Entry
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	const form = `write {"NAME": {"from": "env:VARIABLE", "hosts": ["api.example.com"]}}`
	if err := d.Decode(&entries); err != nil {
		return nil, hint.Errorf(form, "%s: %w", path, err)
	}
	out, err := Sources(entries, lookupEnv)
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("%s: %w", path, err), hint.Of(err))
	}
	return out, nil
}

// private refuses a file that others may write: they could have a command of theirs run.
func private(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if ok && int(st.Uid) != os.Geteuid() && st.Uid != 0 || info.Mode().Perm()&0o022 != 0 {
		return hint.Errorf("chmod go-w "+f.Name(), "%s can be written by others", f.Name())
	}
	return nil
}

// Allows reports whether the source's owner lets the value go to a host, as a policy writes it.
func (s Source) Allows(host string) bool {
	if s.Hosts == nil {
		return true
	}
	plain := func(h string) string { return strings.TrimSuffix(strings.ToLower(h), ":443") }
	for _, h := range s.Hosts {
		if plain(h) == plain(host) {
			return true
		}
	}
	return false
}

// Within reports whether a text has the value in it.
func (v Value) Within(text []byte) bool { return bytes.Contains(text, []byte(v.text)) }
