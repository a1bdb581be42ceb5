package access

// Kind is what an allowlist is asked about.
type Kind string

const (
	KindTool     Kind = "tool"
	KindResource Kind = "resource"
	KindPrompt   Kind = "prompt"
)

// Layer is the kind of rule that decided, as events and audit records name it.
type Layer string

const (
	LayerGlobal     Layer = "global"
	LayerServer     Layer = "server"
	LayerVersion    Layer = "version"
	LayerTool       Layer = "tool"
	LayerResource   Layer = "resource"
	LayerPrompt     Layer = "prompt"
	LayerParameter  Layer = "parameter"
	LayerPin        Layer = "pin"
	LayerCapability Layer = "capability"
	LayerLimit      Layer = "limit"
	LayerProtocol   Layer = "protocol"
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
	Layer   Layer
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

// MatchAny reports whether one of the patterns (*, ?, [a-z]) matches all of name. A * matches slashes too.
func MatchAny(patterns []string, name string) (string, bool) {
	for _, p := range patterns {
		if glob(p, name) {
			return p, true
		}
	}
	return "", false
}
