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
	KindTemplate Kind = "template" // of resources, by its URI template: it has one reading only
)

// Layer is the kind of rule that decides, as events and audit records name it.
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

// layerOf is the layer whose rules name items of this kind.
func layerOf(k Kind) Layer {
	if k == KindTemplate {
		return LayerResource
	}
	return Layer(k)
}

// Server is what the proxy runs.
type Server struct {
	Name           string   // as the proxy calls it
	Command        []string // its command line
	Digest         string   // SHA-256 of its program or script, hexadecimal; "": unknown
	Package        string   // the npm package that it belongs to; "": unknown
	PackageVersion string
}

// Item is one thing that a server offers: a tool, a resource or a prompt.
type Item struct {
	Server  string // the name that the proxy knows the server by
	Version string // serverInfo.version, once the server has said it
	Kind    Kind
	Name    string // for resources, the URI
}

// Verdict is the answer to a question. Reason and Hint are for the operator: the model never sees
// them. Say is what the model may be told; empty: only that the thing is not available.
type Verdict struct {
	Allowed bool
	Layer   Layer
	Reason  string
	Hint    string
	Say     string
}

// Rules answer questions about items and arguments. The methods may be called from several
// goroutines at once and are on the path of every call: they must not block.
type Rules interface {
	Check(Item) Verdict
	// CheckArguments judges the arguments of a tool. fs resolves the paths in them; nil: they are
	// compared as they are written.
	CheckArguments(tool Item, args *Arguments, fs Filesystem) Verdict
}

// Allowlist is rules that may change while the proxy runs.
type Allowlist interface {
	Rules
	// Changed returns a channel that is closed when answers may differ from those given before.
	Changed() <-chan struct{}
}

// All asks several sets of rules: all must allow, and the first refusal is the answer.
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

// Arguments are those of one call, decoded when they are first needed.
type Arguments struct {
	raw     json.RawMessage
	decoded bool
	values  map[string]any
	err     error
}

// NewArguments takes the JSON text of a call's arguments; empty: there are none.
func NewArguments(raw json.RawMessage) *Arguments {
	if len(raw) == 0 {
		raw = json.RawMessage("{}")
	}
	return &Arguments{raw: raw}
}

// Values are the arguments by name; an error if they are no JSON object.
func (a *Arguments) Values() (map[string]any, error) {
	if !a.decoded {
		a.decoded = true
		a.err = json.Unmarshal(a.raw, &a.values)
	}
	return a.values, a.err
}

// Ambiguous reports an argument that is there twice, or in two spellings: a server may use either.
func (a *Arguments) Ambiguous() bool { return wire.HasNestedDuplicate(a.raw, true) }
