package npm

import (
	"bufio"
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/packages/registry"
	"github.com/mcpbox/mcpbox/policies"
)

// DefaultRegistry is npm's own.
const DefaultRegistry = "https://registry.npmjs.org/"

// Config is what an install needs of the user's npm configuration.
type Config struct {
	Registry string                 // for packages without a registry of their scope's
	Hosts    []policies.NetworkRule // of all registries
	File     string                 // the text of an npmrc for the sandbox, without the CA
	CA       []byte                 // PEM; nil: npm's own list
	Scopes   map[string]string      // "@acme" → its registry

	// Credentials are those of the registries. File has placeholders for them.
	Credentials []registry.Credential

	user string // the user's npmrc
}

// RegistryOf is where a package comes from.
func (c *Config) RegistryOf(name string) string {
	if scope, _, ok := strings.Cut(name, "/"); ok && c.Scopes[scope] != "" {
		return c.Scopes[scope]
	}
	return c.Registry
}

// Registries are all of them.
func (c *Config) Registries() map[string]bool {
	out := map[string]bool{c.Registry: true}
	for _, r := range c.Scopes {
		out[r] = true
	}
	return out
}

// ReadConfig reads the global npmrc, the user's, and the environment; the last one wins. getenv is
// os.Getenv.
func ReadConfig(getenv func(string) string) (*Config, error) {
	values := map[string]string{}
	home, _ := os.UserHomeDir()
	user := cmp.Or(getenv("npm_config_userconfig"), getenv("NPM_CONFIG_USERCONFIG"),
		filepath.Join(home, ".npmrc"))
	for _, file := range append(globalFiles(getenv), user) {
		if err := readFile(file, getenv, values); err != nil && !os.IsNotExist(err) {
			return nil, hint.Errorf("make it readable", "npm configuration: %w", err)
		}
	}
	for _, key := range []string{"registry", "cafile"} {
		v := cmp.Or(getenv("npm_config_"+key), getenv("NPM_CONFIG_"+strings.ToUpper(key)))
		if v != "" {
			values[key] = v
		}
	}
	c, err := assemble(values, getenv("NODE_EXTRA_CA_CERTS"))
	if err == nil {
		c.user = user
	}
	return c, err
}

// globalFiles are npm's global configuration: below the prefix, which is node's unless it is set.
func globalFiles(getenv func(string) string) (out []string) {
	if file := cmp.Or(getenv("npm_config_globalconfig"),
		getenv("NPM_CONFIG_GLOBALCONFIG")); file != "" {
		return []string{file}
	}
	if node, err := exec.LookPath("node"); err == nil {
		if node, err = filepath.EvalSymlinks(node); err == nil {
			out = append(out, filepath.Join(filepath.Dir(node), "..", "etc", "npmrc"))
		}
	}
	return out
}

// readFile reads `key = value` lines. ${NAME} is a variable of the environment.
func readFile(file string, getenv func(string) string, into map[string]string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		key, value, ok := strings.Cut(lines.Text(), "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok || strings.HasPrefix(key, "#") || strings.HasPrefix(key, ";") {
			continue
		}
		if plain, err := strconv.Unquote(value); err == nil {
			value = plain
		}
		into[key] = expand(value, getenv)
	}
	return nil
}

// expand replaces ${NAME}. A variable that is not set stays as it is written.
func expand(value string, getenv func(string) string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(value, "${")
		name, after, closed := strings.Cut(rest, "}")
		b.WriteString(before)
		if !ok || !closed {
			b.WriteString(strings.TrimPrefix(value, before))
			return b.String()
		}
		if v := getenv(name); v != "" {
			b.WriteString(v)
		} else {
			b.WriteString("${" + name + "}")
		}
		value = after
	}
}

// withSlash is how npm writes a registry.
func withSlash(registry string) string { return strings.TrimRight(registry, "/") + "/" }

func assemble(values map[string]string, extraCA string) (*Config, error) {
	c := &Config{Registry: withSlash(cmp.Or(values["registry"], DefaultRegistry)),
		Scopes: map[string]string{}}
	scopes := map[string]string{"registry": c.Registry}
	for key, value := range values {
		scope, ok := strings.CutSuffix(key, ":registry")
		if ok && strings.HasPrefix(key, "@") {
			scopes[key], c.Scopes[scope] = withSlash(value), withSlash(value)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(scopes)) {
		value := scopes[key]
		u, err := url.Parse(value)
		if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" ||
			u.User != nil {
			return nil, hint.Errorf("npm config set "+key+" "+DefaultRegistry,
				"npm configuration: %s is no URL of a registry", key)
		}
		rule, err := registry.Rule(u)
		if err != nil {
			return nil, hint.Wrap(fmt.Errorf("npm configuration: %s: %w", key, err), hint.Of(err))
		}
		c.reach(rule)
		for _, host := range moreHosts(u.Host) {
			c.reach(policies.NetworkRule{Host: host, Ports: []int{443}})
		}
		c.File += key + "=" + value + "\n"
		if err := c.credentials(values, u); err != nil {
			return nil, err
		}
	}
	for _, file := range []string{values["cafile"], extraCA} {
		if file == "" {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, hint.Errorf("correct npm's cafile, or NODE_EXTRA_CA_CERTS",
				"npm configuration: %w", err)
		}
		c.CA = append(append(c.CA, data...), '\n')
	}
	return c, nil
}

func (c *Config) reach(rule policies.NetworkRule) {
	if !slices.ContainsFunc(c.Hosts, func(have policies.NetworkRule) bool {
		return have.Host == rule.Host && slices.Equal(have.Ports, rule.Ports)
	}) {
		c.Hosts = append(c.Hosts, rule)
	}
}

// InsideCA reports that npm itself has to know CA. With credentials, the supervisor makes the
// connections to the registries.
func (c *Config) InsideCA() bool { return c.CA != nil && len(c.Credentials) == 0 }
