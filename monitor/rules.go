package monitor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	source "github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
)

// Action is what a rule does.
type Action string

const (
	Alert Action = "alert" // mark the event
	Kill  Action = "kill"  // end the program, and the sandbox if it has others
	// end the sandbox
	Destroy Action = "destroy"
	// end the sandbox, or stop it for an operator; mark the event, so that nothing of the sandbox
	// is used again
	Quarantine Action = "quarantine"
)

// subject holds the values that a rule's expression can name.
type subject struct {
	Type     string   `expr:"type"`
	Severity string   `expr:"severity"`
	Syscall  string   `expr:"syscall"`
	Args     []string `expr:"args"`
	Paths    []string `expr:"paths"`
	Arch     string   `expr:"arch"`
	PID      int      `expr:"pid"`
	Comm     string   `expr:"comm"`
	Limit    string   `expr:"limit"`
	Observed int64    `expr:"observed"`
	Value    int64    `expr:"value"`
	Count    int      `expr:"count"`
	Reason   string   `expr:"reason"`
	Rule     string   `expr:"rule"`
	Action   string   `expr:"action"`
	Host     string   `expr:"host"`
	Address  string   `expr:"address"`
	Port     int      `expr:"port"`
	Call     toolCall `expr:"call"`
	Client   string   `expr:"client"`
	Caller   string   `expr:"caller"`
	Policy   string   `expr:"policy"`
	Refused  bool     `expr:"refused"`
	Usage    Usage    `expr:"usage"`
	File     file     `expr:"file"`
}

type file struct {
	Op   string `expr:"op"`
	Path string `expr:"path"`
	Kind string `expr:"kind"`
}

type toolCall struct {
	Server string `expr:"server"`
	Tool   string `expr:"tool"`
}

const names = "type, severity, syscall, args, paths, arch, pid, comm, limit, observed, value, " +
	"count, reason, rule, action, host, address, port, call.server, call.tool, policy, client, " +
	"caller, refused; " +
	"or usage.…; or file.…"

// about is the kind of data in a rule's condition.
type about int

const (
	aboutEvents about = iota
	aboutUsage
	aboutFiles
)

type rule struct {
	id       string
	name     string
	about    about
	program  *vm.Program
	except   []*vm.Program
	machine  vm.VM         // reused: the recorder evaluates one rule at a time
	origin   func() Origin // nil: nobody's
	severity Severity
	action   Action
	window   span
	hold     hold
	err      error // the first failed evaluation
}

// own reports whether the rule counts or watches something, and so has events of its own.
func (r *rule) own() bool { return r.about != aboutEvents || r.window.count > 1 }

// CheckRules reports the first rule that New would refuse.
func CheckRules(rules []policies.Rule) error {
	_, err := compileRules(rules)
	return err
}

func compileRules(in []policies.Rule) ([]*rule, error) {
	out := make([]*rule, 0, len(in))
	for i, p := range in {
		id := p.ID
		if id == "" {
			return nil, hint.Errorf("give it one: events name the rule by its id",
				"rule #%d has no id", i+1)
		}
		for _, other := range out {
			if other.id == id {
				return nil, hint.Errorf("give each rule its own id", "two rules have the id %q", id)
			}
		}
		r := &rule{id: id, name: p.Name, severity: Severity(p.Severity), action: Action(p.Action),
			window: span{count: max(p.Count, 1), within: time.Duration(p.Within)},
			hold:   hold{long: time.Duration(p.For)}}
		if r.action == "" {
			r.action = Alert
		}
		if !slices.Contains([]Action{Alert, Kill, Destroy, Quarantine}, r.action) {
			return nil, hint.Errorf("use one of: alert, kill, destroy, quarantine",
				"rule %q: unknown action %q", id, p.Action)
		}
		if p.Severity != "" && !r.severity.Valid() {
			return nil, hint.Errorf("use one of: low, medium, high, critical",
				"rule %q: unknown severity %q", id, p.Severity)
		}
		if err := r.compile(p); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// compile compiles the condition and its exceptions, and finds out which data they use.
func (r *rule) compile(p policies.Rule) error {
	names := subjects{}
	for i, text := range append([]string{p.When}, p.Except...) {
		if len(text) > maxCondition {
			return hint.Errorf("write several rules",
				"rule %q: a condition is longer than %d bytes", r.id, maxCondition)
		}
		program, err := expr.Compile(text, expr.Env(&subject{}), expr.AsBool())
		if err != nil {
			return compileError(r.id, err)
		}
		node := program.Node()
		ast.Walk(&node, &names)
		if names.costly != "" {
			return hint.Errorf("name what an event has; several rules can say more",
				"rule %q: %s: an evaluation could take too long", r.id, names.costly)
		}
		if i == 0 {
			r.program = program
		} else {
			r.except = append(r.except, program)
		}
	}
	switch {
	case names.usage && (names.file || names.event), names.file && names.event:
		return hint.Errorf("write a rule for each",
			"rule %q: usage, file and the names of events can't be in one rule", r.id)
	case names.usage:
		r.about = aboutUsage
	case names.file:
		r.about = aboutFiles
	}
	if r.hold.long > 0 && r.about != aboutUsage {
		return hint.Errorf("use count and within for events",
			"rule %q: for belongs to conditions about usage", r.id)
	}
	if r.window.count > 1 && r.about == aboutUsage {
		return hint.Errorf("use for", "rule %q: count belongs to events and files", r.id)
	}
	return nil
}

// A condition is evaluated for each event, in the supervisor. Its writer may be a client, so its
// length and its loops are bounded.
const (
	maxCondition = 8 << 10
	maxLoops     = 4
)

// subjects says which kinds of data a condition names, and what in it takes too long.
type subjects struct {
	usage, file, event bool
	loops              int
	costly             string
}

// cost looks for what makes much out of little.
func (s *subjects) cost(node ast.Node) {
	switch n := node.(type) {
	case *ast.BinaryNode:
		if n.Operator == ".." {
			s.costly = "a range"
		}
	case *ast.BuiltinNode:
		if n.Name == "repeat" {
			s.costly = "repeat"
		}
	case *ast.CallNode:
		if name, ok := n.Callee.(*ast.IdentifierNode); ok && name.Value == "repeat" {
			s.costly = "repeat"
		}
	case *ast.PredicateNode:
		if s.loops++; s.loops > maxLoops {
			s.costly = fmt.Sprintf("more than %d loops", maxLoops)
		}
	}
}

// Visit implements ast.Visitor.
func (s *subjects) Visit(node *ast.Node) {
	s.cost(*node)
	name, ok := (*node).(*ast.IdentifierNode)
	switch {
	case !ok:
	case name.Value == "usage":
		s.usage = true
	case name.Value == "file":
		s.file = true
	case !slices.Contains([]string{"policy", "client", "caller"}, name.Value): // every rule may
		s.event = true
	}
}

func compileError(id string, err error) error {
	const remedy = "a condition is true or false and may name: " + names
	if at := new(source.Error); errors.As(err, &at) {
		return hint.Errorf(remedy, "rule %q: when:%d:%d: %s", id, at.Line, at.Column+1, at.Message)
	}
	return hint.Errorf(remedy, "rule %q: when: %s", id, firstLine(err))
}

// matches evaluates the condition twice: on the event with the type from detection, and with its
// type before detection. Otherwise a rule for syscall_blocked would miss a call whose type
// detection has changed.
func (r *rule) matches(e Event, refused Type) bool {
	s := subjectOf(e)
	if r.holds(&s) {
		return true
	}
	if refused == e.Type || !e.Type.refusal() {
		return false
	}
	s.Type = string(refused)
	return r.holds(&s)
}

// holds reports whether the condition is true and every exception is false.
func (r *rule) holds(s *subject) bool {
	if r.origin != nil {
		o := r.origin()
		s.Client, s.Caller = o.Client, o.Caller
	}
	if !r.isTrue(r.program, s) {
		return false
	}
	for _, e := range r.except {
		if r.isTrue(e, s) {
			return false
		}
	}
	return true
}

// isTrue also returns false if the expression can't be evaluated.
func (r *rule) isTrue(program *vm.Program, s *subject) bool {
	ok, err := r.machine.Run(program, s)
	if err != nil {
		if r.err == nil {
			r.err = err
		}
		return false
	}
	return ok == true
}

// mark writes the rule's action into the event. A later alert does not undo a kill.
func (r *rule) mark(e *Event) {
	e.Severity = Worse(e.Severity, r.severity)
	switch {
	case r.action != Alert:
		e.Rule, e.Action = text(r.id, maxName), string(r.action)
	case !Action(e.Action).ends():
		e.Rule = text(r.id, maxName)
		if e.Action == "" {
			e.Action = string(Alert)
		}
	}
}

// MatchedRule reports whether a rule of a policy, and no built-in detector, has marked an event.
func MatchedRule(e Event) bool {
	a := Action(e.Action)
	return (a == Alert || a.ends()) && e.Rule != "" && !strings.Contains(e.Rule, ":")
}

// ends reports whether an action is more than an alert.
func (a Action) ends() bool { return a == Kill || a == Destroy || a == Quarantine }

func (r *rule) warning() string {
	return text(fmt.Sprintf("rule %q could not be evaluated: %s", r.id, firstLine(r.err)), maxText)
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func subjectOf(e Event) subject {
	s := subject{
		Type: string(e.Type), Severity: string(
			e.Severity), PID: e.PID, Comm: e.Comm, Count: e.Count,
		Reason: e.Reason, Rule: e.Rule, Action: e.Action, Policy: e.Policy,
		Refused: e.Type.refusal(),
	}
	if e.Syscall != nil {
		s.Syscall, s.Args, s.Paths, s.Arch = e.Syscall.Name, e.Syscall.Args, e.Syscall.Paths,
			e.Syscall.Arch
	}
	if e.Limit != nil {
		s.Limit, s.Observed, s.Value = e.Limit.Name, e.Limit.Observed, e.Limit.Value
	}
	if e.Network != nil {
		s.Host, s.Address, s.Port = e.Network.Name, e.Network.Address, e.Network.Port
	}
	if e.Call != nil {
		s.Call = toolCall{Server: e.Call.Server, Tool: e.Call.Tool}
	}
	return s
}
