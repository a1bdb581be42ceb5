package mcp

import (
	"path"
	"strings"
)

// Kind is what an allowlist is asked about.
type Kind string

const (
	KindTool     Kind = "tool"
	KindResource Kind = "resource"
	KindPrompt   Kind = "prompt"
)

// Layers of the allowlist, as events and audit records name them.
const (
	LayerGlobal     = "global"
	LayerServer     = "server"
	LayerTool       = "tool"
	LayerVersion    = "version"
	LayerParameter  = "parameter"
	LayerPin        = "pin"
	LayerCapability = "capability"
	LayerLimit      = "limit"
	LayerProtocol   = "protocol"
)

// Item is one thing of a server's: a tool's or prompt's name, or a resource's URI.
type Item struct {
	Server  string // the name the proxy knows the server by
	Version string // serverInfo.version, once the server has said it
	Kind    Kind
	Name    string
}

// Verdict is an allowlist's answer. Layer and Reason are for the operator; the model never sees them.
type Verdict struct {
	Allowed bool
	Layer   string
	Reason  string
}

// Allowlist decides which tools, resources and prompts exist, and which arguments they take. All methods may be called
// at once from several goroutines and are on the latency path of every call: they must not block.
type Allowlist interface {
	Check(Item) Verdict
	// Parameters are what a tool's arguments must satisfy; nil: nothing in particular.
	Parameters(Item) *Parameters
	// Changed is closed when answers may differ from those given before. A new channel is to be fetched then.
	Changed() <-chan struct{}
}

// matchAny reports whether one of the patterns (*, ?, [a-z]) matches all of name. A * matches slashes too.
func matchAny(patterns []string, name string) (string, bool) {
	for _, p := range patterns {
		if p == name {
			return p, true
		}
		if ok, _ := path.Match(flat(p), flat(name)); ok {
			return p, true
		}
	}
	return "", false
}

// flat takes the meaning away that a slash has for path.Match.
func flat(s string) string { return strings.ReplaceAll(s, "/", "\x01") }
