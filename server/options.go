package server

import (
	"log/slog"

	"github.com/mcpbox/mcpbox/server/internal/config"
	"github.com/mcpbox/mcpbox/server/internal/door"
)

// Options are what the command line says, over the config file.
type Options struct {
	ConfigFile  string // "": the defaults
	Socket      string
	Listen      string
	State       string
	AllowRemote bool
	BestEffort  bool
	Version     string
	Log         *slog.Logger
	Ready       func(addresses []string) // everything listens
	Reload      <-chan struct{}          // read the config file again
}

// load reads the config file and lays the command line over it.
func (o *Options) load() (*config.Config, error) {
	c, err := config.Load(o.ConfigFile)
	if err != nil {
		return nil, err
	}
	c.Socket, c.State = c.Path(c.Socket), c.Path(c.State)
	for _, v := range []struct {
		field *string
		value string
	}{{&c.Socket, o.Socket}, {&c.Listen, o.Listen}, {&c.State, o.State}} {
		if v.value != "" {
			*v.field = v.value
		}
	}
	c.AllowRemote = c.AllowRemote || o.AllowRemote
	c.BestEffort = c.BestEffort || o.BestEffort
	if c.Socket == "" {
		if c.Socket, err = config.DefaultSocket(); err != nil {
			return nil, err
		}
	}
	if c.State == "" {
		if c.State, err = config.DefaultState(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func doorRules(c *config.Config) door.Rules {
	rules := door.Rules{Users: c.Users, Hosts: c.Hosts, Origins: c.Origins}
	for _, t := range c.Tokens {
		if token, err := door.ParseToken(t.Name, t.SHA256); err == nil { // config has checked it
			rules.Tokens = append(rules.Tokens, token)
		}
	}
	return rules
}
