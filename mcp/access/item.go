package access

import (
	"encoding/json"

	"github.com/mcpbox/mcpbox/mcp/internal/wire"
)

// Kind is what an item is.
type Kind string

const (
	KindTool     Kind = "tool"
	KindPrompt   Kind = "prompt"
	KindResource Kind = "resource" // by its URI
	// of resources, by its URI template, which is compared as written
	KindTemplate Kind = "template"
)

// Layer is a kind of rule. Events and audit records name the layer that decided.
type Layer string

const (
	LayerGlobal     Layer = "global"
	LayerServer     Layer = "server"
	LayerPackage    Layer = "package"
	LayerVersion    Layer = "version"
	LayerTool       Layer = "tool"
	LayerResource   Layer = "resource"
	LayerPrompt     Layer = "prompt"
	LayerParameter  Layer = "parameter"
	LayerCapability Layer = "capability"
	LayerPin        Layer = "pin"      // decided by the proxy
	LayerLimit      Layer = "limit"    // decided by the proxy
	LayerProtocol   Layer = "protocol" // decided by the proxy
)

// layerOf returns the layer whose rules name items of this kind.
func layerOf(k Kind) Layer {
	if k == KindTemplate {
		return LayerResource
	}
	return Layer(k)
}

// Server is what the proxy runs.
type Server struct {
	Name           string   // the name that the proxy uses for it
	Command        []string // its command line
	Digest         string   // SHA-256 of its program or script, hexadecimal; "": unknown
	Package        string   // the npm package that it belongs to; "": unknown
	PackageVersion string
}

// Item is something that a server offers: a tool, a resource or a prompt.
type Item struct {
	Server  string // the name that the proxy knows the server by
	Version string // serverInfo.version; "" until the server has reported it
	Kind    Kind
	Name    string // for resources, the URI
}

// Verdict is a decision. Reason and Hint are for the operator: the model never sees them. Say is
// the text for the model. If it is empty, the model only learns that the item is not available.
type Verdict struct {
	Allowed bool
	Layer   Layer
	Reason  string
	Hint    string
	Say     string
}

// Rules decide about items and arguments. Several goroutines may call the methods at once. They run
// for every call, so they must not block.
type Rules interface {
	Check(Item) Verdict
	// CheckArguments decides about the arguments of a tool. fs resolves the paths in them. With a
	// nil fs, paths are compared as written.
	CheckArguments(tool Item, args *Arguments, fs Filesystem) Verdict
}

// Allowlist is a set of rules that may change while the proxy runs.
type Allowlist interface {
	Rules
	// Changed returns a channel that is closed when the rules have changed.
	Changed() <-chan struct{}
}

// All combines several sets of rules: all must allow. The first refusal is the verdict.
type All []Rules

var _ Rules = All(nil)

// Check implements Rules.
func (a All) Check(i Item) Verdict {
	return a.first(func(r Rules) Verdict { return r.Check(i) })
}

// CheckArguments implements Rules.
func (a All) CheckArguments(tool Item, args *Arguments, fs Filesystem) Verdict {
	return a.first(func(r Rules) Verdict { return r.CheckArguments(tool, args, fs) })
}

func (a All) first(ask func(Rules) Verdict) Verdict {
	for _, r := range a {
		if v := ask(r); !v.Allowed {
			return v
		}
	}
	return Verdict{Allowed: true}
}

// Arguments are the arguments of one call. They are decoded when they are first needed.
type Arguments struct {
	raw     json.RawMessage
	decoded bool
	values  map[string]any
	err     error
}

// NewArguments takes the JSON text of a call's arguments. An empty text means no arguments.
func NewArguments(raw json.RawMessage) *Arguments {
	if len(raw) == 0 {
		raw = json.RawMessage("{}")
	}
	return &Arguments{raw: raw}
}

// Values returns the arguments by name. It is an error if they are not a JSON object.
func (a *Arguments) Values() (map[string]any, error) {
	if !a.decoded {
		a.decoded = true
		a.err = json.Unmarshal(a.raw, &a.values)
	}
	return a.values, a.err
}

// Ambiguous reports whether an argument occurs twice, or in two spellings. A server may use either.
func (a *Arguments) Ambiguous() bool { return wire.HasNestedDuplicate(a.raw, true) }
