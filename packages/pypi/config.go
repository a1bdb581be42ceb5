package pypi

import (
	"bufio"
	"cmp"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
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
	Indexes []string               // all of them, with their passwords
	Hosts   []policies.NetworkRule // of all indexes
	File    string                 // the text of a pip.conf for the sandbox, without the CA
	CA      []byte                 // PEM; nil: pip's own list
}

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
	return assemble(values, getenv("SSL_CERT_FILE"))
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

func assemble(values map[string]string, extraCA string) (*Config, error) {
	all := append([]string{cmp.Or(values["index-url"], DefaultIndex)},
		strings.Fields(values["extra-index-url"])...)
	c := &Config{Indexes: all}
	for i, text := range all {
		u, err := url.Parse(text)
		if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
			return nil, hint.Errorf("pip config set global.index-url "+DefaultIndex,
				"pip configuration: an index is no URL")
		}
		rule, err := policies.ParseNetworkRule(u.Host)
		if err != nil {
			return nil, fmt.Errorf("pip configuration: %s: %w", u.Redacted(), err)
		}
		if u.Port() == "" {
			rule.Ports = []int{map[string]int{"https": 443, "http": 80}[u.Scheme]}
		}
		c.add(rule)
		if u.Host == "pypi.org" {
			c.add(policies.NetworkRule{Host: defaultFiles, Ports: []int{443}})
		}
		if u.User = nil; i == 0 {
			c.Index = u.String()
		}
	}
	c.File = "[global]\nindex-url = " + all[0] + "\n"
	if len(all) > 1 {
		c.File += "extra-index-url = " + strings.Join(all[1:], "\n    ") + "\n"
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

func (c *Config) add(rule policies.NetworkRule) {
	if !slices.ContainsFunc(c.Hosts, func(have policies.NetworkRule) bool {
		return have.Host == rule.Host && slices.Equal(have.Ports, rule.Ports)
	}) {
		c.Hosts = append(c.Hosts, rule)
	}
}
