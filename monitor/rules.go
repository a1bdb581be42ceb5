package monitor

import (
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
)

// Action is what a rule asks for.
type Action string

const (
	Alert Action = "alert" // mark the event
	Kill  Action = "kill"  // end the sandbox
	// end the sandbox, and mark the event: nothing of it is used again
	Quarantine Action = "quarantine"
)

// subject is what a rule's expression can name.
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
	Call     caller   `expr:"call"`
}

type caller struct {
	Server string `expr:"server"`
	Tool   string `expr:"tool"`
}

const names = "type, severity, syscall, args, paths, arch, pid, comm, limit, observed, value, " +
	"count, reason, rule, action, host, address, port, call.server, call.tool"

type rule struct {
	id       string
	program  *vm.Program
	machine  vm.VM // reused: the recorder evaluates one rule at a time
	severity Severity
	action   Action
	err      error // the first failed evaluation
}

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
		r := &rule{id: id, severity: Severity(p.Severity), action: Action(p.Action)}
		if r.action == "" {
			r.action = Alert
		}
		if r.action != Alert && r.action != Kill && r.action != Quarantine {
			return nil, hint.Errorf("use one of: alert, kill, quarantine",
				"rule %q: unknown action %q", id, p.Action)
		}
		if p.Severity != "" && !r.severity.Valid() {
			return nil, hint.Errorf("use one of: low, medium, high, critical",
				"rule %q: unknown severity %q", id, p.Severity)
		}
		program, err := expr.Compile(p.When, expr.Env(&subject{}), expr.AsBool())
		if err != nil {
			return nil, compileError(id, err)
		}
		r.program = program
		out = append(out, r)
	}
	return out, nil
}

func compileError(id string, err error) error {
	const remedy = "a condition is true or false and may name: " + names
	if at := new(file.Error); errors.As(err, &at) {
		return hint.Errorf(remedy, "rule %q: when:%d:%d: %s", id, at.Line, at.Column+1, at.Message)
	}
	return hint.Errorf(remedy, "rule %q: when: %s", id, firstLine(err))
}

// matches evaluates the condition twice: on the event as detection has classed it, and as the plain
// refusal that it was. A rule for syscall_blocked must not miss a call because detection has raised
// its type.
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

func (r *rule) holds(s *subject) bool {
	ok, err := r.machine.Run(r.program, s)
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
	case e.Action != string(Kill) && e.Action != string(Quarantine):
		e.Rule = text(r.id, maxName)
		if e.Action == "" {
			e.Action = string(Alert)
		}
	}
}

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
		Reason: e.Reason, Rule: e.Rule, Action: e.Action,
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
		s.Call = caller{Server: e.Call.Server, Tool: e.Call.Tool}
	}
	return s
}
