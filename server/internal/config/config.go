package config

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/mcpbox/mcpbox/egress/secret"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

// Config is the file. Zero values are the defaults that the comments name.
type Config struct {
	Version     int               `yaml:"version"`
	Socket      string            `yaml:"socket"`       // default: DefaultSocket
	Listen      string            `yaml:"listen"`       // ADDRESS:PORT; default: no TCP
	AllowRemote bool              `yaml:"allow_remote"` // Listen may be another address than the host's own
	State       string            `yaml:"state"`        // folder; default: DefaultState
	Users       []int             `yaml:"users"`        // uids beside the daemon's own and root
	Tokens      []Token           `yaml:"tokens"`       // for TCP
	Hosts       []string          `yaml:"hosts"`        // names that clients may call it by, over TCP
	Origins     []string          `yaml:"origins"`      // of web pages that may call it; default: none
	TLS         TLS               `yaml:"tls"`
	Policies    map[string]string `yaml:"policies"` // name: file
	Restricted  Restricted        `yaml:"restricted"`
	Pool        Pool              `yaml:"pool"`
	Sandboxes   Sandboxes         `yaml:"sandboxes"`
	Retention   Retention         `yaml:"retention"`
	Drain       policies.Duration `yaml:"drain"` // default 30s
	BestEffort  bool              `yaml:"best_effort"`
	Servers     map[string]Server `yaml:"servers"`
	Rules       []policies.Rule   `yaml:"rules"` // for every policy
	Webhooks    []Webhook         `yaml:"webhooks"`
	// where the values of policies' secrets come from; a client never says it
	Secrets   map[string]secret.Entry `yaml:"secrets"`
	Allowlist string                  `yaml:"allowlist"` // file; default: the policies alone decide

	folder  string
	sources map[string]secret.Source
	plain   map[string]*policies.Policy // as they are written
	loaded  map[string]*policies.Policy // with the daemon's rules
	added   []policies.Rule             // by operators
}

// Token lets its bearer in over TCP.
type Token struct {
	Name   string `yaml:"name"`
	SHA256 string `yaml:"sha256"` // of the token, in hex
}

// TLS is the server's certificate.
type TLS struct {
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
}

// Restricted is what clients may do that are neither the daemon's own user nor root: those over
// TCP, and Users.
type Restricted struct {
	NoSandbox   bool `yaml:"no_sandbox"`   // the preset none
	HostNetwork bool `yaml:"host_network"` // presets with the host's network
	Documents   bool `yaml:"documents"`    // policies of their own, without mounts
}

// Pool bounds the executions.
type Pool struct {
	Live      int      `yaml:"live"` // default: 16 a CPU
	PerCaller int      `yaml:"per_caller"`
	PerClient int      `yaml:"per_client"` // default: three quarters of live, if there are others
	Queue     int      `yaml:"queue"`
	MaxWarm   int      `yaml:"max_warm"`
	Warm      []string `yaml:"warm"` // policies whose first cells are built at the start
}

// Sandboxes bounds those that live on between commands.
type Sandboxes struct {
	Most int `yaml:"most"` // default 64
	// of one restricted client; default: half of most
	PerClient int               `yaml:"per_client"`
	Idle      policies.Duration `yaml:"idle"` // default 30m
	Age       policies.Duration `yaml:"age"`  // default 24h
}

// Retention bounds what is remembered.
type Retention struct {
	Age        policies.Duration `yaml:"age"`        // default 168h
	Executions int               `yaml:"executions"` // default 100000
	Events     int               `yaml:"events"`     // default 1000000
	Calls      int               `yaml:"calls"`      // of tools; default 100000
	Bytes      policies.Size     `yaml:"bytes"`      // of all together; default 2 GiB
}

// Server is an MCP server that clients may speak to.
type Server struct {
	Command  []string          `yaml:"command"`
	Policy   string            `yaml:"policy"`
	Env      map[string]string `yaml:"env"`
	Dir      string            `yaml:"dir"`
	Sessions int               `yaml:"sessions"` // at once; default 8
}

// Webhook is told of events.
type Webhook struct {
	URL      string           `yaml:"url"`
	Secret   string           `yaml:"secret_file"` // its content is the key of the signature
	Severity monitor.Severity `yaml:"severity"`    // at least; default high
}

// Load reads the file. Without a name it is the default configuration.
func Load(name string) (*Config, error) {
	c := &Config{Version: 1}
	var data []byte
	if name != "" {
		var err error
		if data, err = read(name); err != nil {
			return nil, err
		}
		dec := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict())
		if err := dec.Decode(c); err != nil && !errors.Is(err, io.EOF) {
			return nil, decodeError(name, data, err)
		}
		c.folder = filepath.Dir(name)
	}
	if err := c.complete(); err != nil {
		if name == "" {
			return nil, err
		}
		return nil, located(name, data, err)
	}
	return c, nil
}

func read(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, hint.Errorf("name a file that can be read", "config: %w", err)
	}
	defer f.Close()
	const most = 1 << 20
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && len(data) > most {
		err = hint.Errorf("name the right file", "config %s is larger than 1 MiB", name)
	}
	return data, err
}

// complete fills in the defaults and checks the rest.
func (c *Config) complete() error {
	defaults := []struct{ value, otherwise *policies.Duration }{
		{&c.Drain, of(30 * time.Second)}, {&c.Sandboxes.Idle, of(30 * time.Minute)},
		{&c.Sandboxes.Age, of(24 * time.Hour)}, {&c.Retention.Age, of(7 * 24 * time.Hour)},
	}
	for _, d := range defaults {
		if *d.value == 0 {
			*d.value = *d.otherwise
		}
	}
	for _, d := range []struct {
		value     *int
		otherwise int
	}{{&c.Sandboxes.Most, 64}, {&c.Retention.Executions, 100_000}, {&c.Retention.Events, 1_000_000},
		{&c.Retention.Calls, 100_000}} {
		if *d.value == 0 {
			*d.value = d.otherwise
		}
	}
	if err := c.check(); err != nil {
		return err
	}
	c.Pool.Live = cmp.Or(c.Pool.Live, 16*runtime.NumCPU())
	if others := len(c.Users)+len(c.Tokens) > 0; c.Pool.PerClient == 0 && others {
		c.Pool.PerClient = max(1, c.Pool.Live*3/4)
	}
	if c.Sandboxes.PerClient == 0 {
		c.Sandboxes.PerClient = max(1, c.Sandboxes.Most/2)
	}
	if c.Retention.Bytes == 0 {
		c.Retention.Bytes = 2 << 30
	}
	return c.loadPolicies()
}

func of(d time.Duration) *policies.Duration {
	out := policies.Duration(d)
	return &out
}

// plainName: letters, digits, and, not at the beginning, dots and dashes. It is no regular
// expression: to compile one at the start costs `mcpbox run`, which is the same program, more than
// it may.
func plainName(name string) bool {
	const longest = 64
	if name == "" || len(name) > longest || strings.ContainsRune("._-", rune(name[0])) {
		return false
	}
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	return !strings.ContainsFunc(name, func(r rune) bool { return !strings.ContainsRune(plain, r) })
}

func (c *Config) check() error {
	if c.Version != 1 {
		return at(hint.Errorf("write version: 1", "version %d is not known", c.Version),
			"$.version")
	}
	if err := c.checkNumbers(); err != nil {
		return err
	}
	for i, t := range c.Tokens {
		if sum, err := hex.DecodeString(t.SHA256); err != nil || len(sum) != 32 ||
			!plainName(t.Name) {
			return at(hint.Errorf("mcpbox serve --new-token NAME prints one",
				"token %q: it needs a plain name and sha256, 64 hexadecimal digits", t.Name),
				"$.tokens[%d].sha256", i)
		}
		for _, other := range c.Tokens[:i] {
			if other.Name == t.Name {
				return at(hint.Errorf("give each its own: a client is known by it",
					"two tokens have the name %q", t.Name), "$.tokens[%d].name", i)
			}
		}
	}
	if (c.TLS.Certificate == "") != (c.TLS.Key == "") {
		return at(hint.Errorf("give both", "tls: certificate and key belong together"), "$.tls")
	}
	for i, w := range c.Webhooks {
		if !strings.HasPrefix(w.URL, "https://") && !strings.HasPrefix(w.URL, "http://") {
			return at(hint.Errorf("give an https:// address", "webhook %q is no web address",
				w.URL), "$.webhooks[%d].url", i)
		}
		if w.Severity == "" {
			c.Webhooks[i].Severity = monitor.High
		} else if !w.Severity.Valid() {
			return at(hint.Errorf("use one of: low, medium, high, critical",
				"webhook: unknown severity %q", w.Severity), "$.webhooks[%d].severity", i)
		}
	}
	for name, s := range c.Servers {
		if !plainName(name) {
			return at(hint.Errorf("use letters, digits, dots and dashes",
				"server %q: the name is part of its address", name), "$.servers")
		}
		if len(s.Command) == 0 {
			return at(hint.Errorf("write command: [node, server.js]", "server %s has no command",
				name), "$.servers.%s", name)
		}
		if s.Sessions == 0 {
			s.Sessions = 8
			c.Servers[name] = s
		}
	}
	for name, s := range c.Secrets {
		if file, ok := strings.CutPrefix(s.From, "file:"); ok {
			s.From = "file:" + c.Path(file)
			c.Secrets[name] = s
		}
	}
	var err error
	if c.sources, err = secret.Sources(c.Secrets, os.LookupEnv); err != nil {
		return at(err, "$.secrets")
	}
	for i := range c.Rules { // the first that is wrong, or does not go with those before it
		if err := monitor.CheckRules(c.Rules[:i+1]); err != nil {
			return at(err, "$.rules[%d]", i)
		}
	}
	return nil
}

// checkNumbers refuses what is less than nothing.
func (c *Config) checkNumbers() error {
	for path, n := range map[string]int64{
		"pool.live": int64(c.Pool.Live), "pool.per_caller": int64(c.Pool.PerCaller),
		"pool.per_client": int64(c.Pool.PerClient), "pool.queue": int64(c.Pool.Queue),
		"pool.max_warm": int64(c.Pool.MaxWarm), "sandboxes.most": int64(c.Sandboxes.Most),
		"sandboxes.per_client": int64(c.Sandboxes.PerClient),
		"sandboxes.idle":       int64(c.Sandboxes.Idle), "sandboxes.age": int64(c.Sandboxes.Age),
		"retention.age": int64(c.Retention.Age), "retention.bytes": int64(c.Retention.Bytes),
		"retention.executions": int64(c.Retention.Executions),
		"retention.events":     int64(c.Retention.Events),
		"retention.calls":      int64(c.Retention.Calls), "drain": int64(c.Drain),
	} {
		if n < 0 {
			return at(hint.Errorf("give a number above zero, or leave it out",
				"%s is less than zero", path), "$.%s", path)
		}
	}
	for name, s := range c.Servers {
		if s.Sessions < 0 {
			return at(hint.Errorf("give a number above zero, or leave it out",
				"server %s: sessions is less than zero", name), "$.servers.%s.sessions", name)
		}
	}
	for i, uid := range c.Users {
		if uid < 0 {
			return at(hint.Errorf("give a uid: id -u NAME prints it", "user %d is none", uid),
				"$.users[%d]", i)
		}
	}
	return nil
}

// Sources say where the secrets of policies come from.
func (c *Config) Sources() map[string]secret.Source { return c.sources }

// Path is a file that the config names, relative to it.
func (c *Config) Path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.folder, name)
}
