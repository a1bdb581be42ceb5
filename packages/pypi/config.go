package pypi

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/packages/registry"
	"github.com/mcpbox/mcpbox/policies"
)

// DefaultIndex is PyPI's own. Its archives are at another host.
const (
	DefaultIndex = "https://pypi.org/simple/"
	defaultFiles = "files.pythonhosted.org"
)

// Config is what an install needs of the user's pip configuration.
type Config struct {
	Index   string                 // the first index, without a password
	Indexes []string               // all of them, with placeholders for their passwords
	Hosts   []policies.NetworkRule // of all indexes
	CA      []byte                 // PEM; nil: pip's own list

	Credentials []registry.Credential // of the indexes
}

// InsideCA reports that pip itself has to know CA. With credentials, the supervisor makes the
// connections to the indexes.
func (c *Config) InsideCA() bool { return c.CA != nil && len(c.Credentials) == 0 }

// ReadConfig reads pip's global file, the user's, and the environment; the last one wins. getenv is
// os.Getenv.
func ReadConfig(getenv func(string) string) (*Config, error) {
	home, _ := os.UserHomeDir()
	config := cmp.Or(getenv("XDG_CONFIG_HOME"), filepath.Join(home, ".config"))
	files := []string{"/etc/pip.conf", filepath.Join(home, ".pip", "pip.conf"),
		filepath.Join(config, "pip", "pip.conf")}
	switch file := getenv("PIP_CONFIG_FILE"); file {
	case "":
	case os.DevNull:
		files = nil // pip reads none then
	default:
		files = append(files, file)
	}
	values := map[string]string{}
	for _, file := range files {
		if err := readFile(file, values); err != nil && !os.IsNotExist(err) {
			return nil, hint.Errorf("make it readable", "pip configuration: %w", err)
		}
	}
	for key, names := range map[string][]string{
		"index-url":       {"PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"},
		"extra-index-url": {"PIP_EXTRA_INDEX_URL", "UV_EXTRA_INDEX_URL"},
		"cert":            {"PIP_CERT"},
	} {
		for _, name := range names {
			if v := getenv(name); v != "" {
				values[key] = v
				break
			}
		}
	}
	netrc, err := os.ReadFile(cmp.Or(getenv("NETRC"), filepath.Join(home, ".netrc")))
	if err != nil && !os.IsNotExist(err) {
		return nil, hint.Errorf("make it readable", "pip configuration: %w", err)
	}
	return assemble(values, getenv("SSL_CERT_FILE"), netrc)
}

// readFile reads the sections [global] and [install]. A value may go on in lines that are indented.
func readFile(file string, into map[string]string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	section, last := "", ""
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		text := strings.TrimSpace(line)
		switch {
		case text == "" || text[0] == '#' || text[0] == ';':
			continue
		case text[0] == '[':
			section, last = strings.Trim(text, "[]"), ""
			continue
		case section != "global" && section != "install":
			continue
		case line[0] == ' ' || line[0] == '\t':
			if last != "" {
				into[last] += " " + text
			}
			continue
		}
		at := strings.IndexAny(text, "=:")
		if at < 0 {
			continue
		}
		last = strings.ReplaceAll(strings.TrimSpace(text[:at]), "_", "-")
		into[last] = strings.TrimSpace(text[at+1:])
	}
	return nil
}

func assemble(values map[string]string, extraCA string, netrc []byte) (*Config, error) {
	all := append([]string{cmp.Or(values["index-url"], DefaultIndex)},
		strings.Fields(values["extra-index-url"])...)
	c := &Config{}
	for i, text := range all {
		u, err := url.Parse(text)
		if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
			return nil, hint.Errorf("pip config set global.index-url "+DefaultIndex,
				"pip configuration: an index is no URL")
		}
		rule, err := registry.Rule(u)
		if err != nil {
			return nil, hint.Wrap(fmt.Errorf("pip configuration: %w", err), hint.Of(err))
		}
		c.add(rule)
		if u.Host == "pypi.org" {
			c.add(policies.NetworkRule{Host: defaultFiles, Ports: []int{443}})
		}
		protected, err := c.protect(u, netrc)
		if err != nil {
			return nil, err
		}
		c.Indexes = append(c.Indexes, protected)
		if u.User = nil; i == 0 {
			c.Index = u.String()
		}
	}
	if file := cmp.Or(values["cert"], extraCA); file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, hint.Errorf("correct pip's cert, or SSL_CERT_FILE",
				"pip configuration: %w", err)
		}
		c.CA = data
	}
	return c, nil
}

// protect takes the credentials of an index, and returns its address with a placeholder for them. A
// name without a password is a token.
func (c *Config) protect(u *url.URL, netrc []byte) (string, error) {
	name, password := u.User.Username(), ""
	if u.User != nil {
		password, _ = u.User.Password()
	} else if n, p, ok := registry.Netrc(bytes.NewReader(netrc), u.Hostname()); ok &&
		u.Scheme == "https" {
		name, password = n, p
	}
	bare := *u
	bare.User = nil
	before, rest, _ := strings.Cut(bare.String(), "://")
	placeholder := registry.Placeholder(len(c.Credentials))
	one := registry.Credential{Host: u.Host, Basic: true, Value: password}
	switch {
	case name == "" && password == "":
		return bare.String(), nil
	case u.Scheme != "https":
		return "", hint.Errorf("use the index by https, or remove the password",
			"pip configuration: %s has a password, and http would show it to everybody on the way",
			bare.String())
	case password == "":
		one.Value = name
	default:
		placeholder = url.UserPassword(name, "").String() + placeholder
	}
	c.Credentials = append(c.Credentials, one)
	return before + "://" + placeholder + "@" + rest, nil
}

func (c *Config) add(rule policies.NetworkRule) {
	if !slices.ContainsFunc(c.Hosts, func(have policies.NetworkRule) bool {
		return have.Host == rule.Host && slices.Equal(have.Ports, rule.Ports)
	}) {
		c.Hosts = append(c.Hosts, rule)
	}
}
