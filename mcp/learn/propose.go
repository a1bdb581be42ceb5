package learn

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/mcpbox/mcpbox/internal/plural"
	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/audit"
)

// Options set how much evidence a rule needs. Zero values mean the defaults.
type Options struct {
	MinCalls   int  // calls that a tool needs before it is proposed; default 5
	MinSamples int  // samples that an argument needs for more than its type; default 20
	Replace    bool // propose parameter rules for tools that have one already
}

// Proposal is a rule to add, with the reasons for it.
type Proposal struct {
	Rule   access.Rule
	Change access.Change
	Why    []string
}

// Skip names something that was left out, and why.
type Skip struct{ What, Why string }

// Report holds the proposals from the records, and what was left out.
type Report struct {
	Records   int
	Proposals []Proposal
	Skipped   []Skip
	current   []access.Rule
}

type tool struct{ server, name string }

// calls holds the recorded calls of a tool.
type calls struct {
	arguments []any // of the usable calls, oldest first
	left      map[string]int
}

// Propose derives rules that are not in current. The same records give the same rules.
func Propose(records []audit.Record, current []access.Rule, o Options) (*Report, error) {
	if o.MinCalls <= 0 {
		o.MinCalls = 5
	}
	if o.MinSamples <= 0 {
		o.MinSamples = 20
	}
	set, err := access.NewSet(current)
	if err != nil {
		return nil, err
	}
	if current, err = access.CanonicalRules(current); err != nil {
		return nil, err
	}
	report := &Report{Records: len(records), current: current}
	seen := collect(records)
	order := slices.SortedFunc(maps.Keys(seen), func(a, b tool) int {
		return bytes.Compare([]byte(a.server+"\x00"+a.name), []byte(b.server+"\x00"+b.name))
	})
	for _, t := range order {
		if err := report.tool(t, seen[t], set, o); err != nil {
			return nil, err
		}
	}
	return report, nil
}

func collect(records []audit.Record) map[tool]*calls {
	records = slices.Clone(records)
	slices.SortStableFunc(records, func(a, b audit.Record) int { return a.Time.Compare(b.Time) })
	seen := map[tool]*calls{}
	for _, r := range records {
		if r.Method != "tools/call" || r.Tool == "" {
			continue
		}
		t := tool{r.Server, r.Tool}
		if seen[t] == nil {
			seen[t] = &calls{left: map[string]int{}}
		}
		args, why := sample(r)
		if why != "" {
			seen[t].left[why]++
			continue
		}
		seen[t].arguments = append(seen[t].arguments, args)
	}
	return seen
}

// sample returns a record's arguments, or the reason why nothing is learnt from them.
func sample(r audit.Record) (args any, why string) {
	switch {
	case r.Decision != "allowed":
		return nil, "not allowed (" + r.Decision + ")"
	case r.Outcome != "" && r.Outcome != "ok":
		return nil, "failed (" + r.Outcome + ")"
	case r.Events > 0:
		return nil, "caused security events"
	case r.Cut:
		return nil, "arguments cut"
	}
	raw := r.Arguments
	if len(raw) == 0 || string(raw) == "null" {
		raw = json.RawMessage("{}")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var tree, plain map[string]any
	// plain: numbers may be too large for a float64
	if dec.Decode(&tree) != nil || json.Unmarshal(raw, &plain) != nil {
		return nil, "arguments that can't be read"
	}
	if access.NewArguments(raw).Ambiguous() {
		return nil, "a duplicate argument, or one in two spellings"
	}
	if why := suspicious(tree); why != "" {
		return nil, why
	}
	return tree, ""
}

func (r *Report) skip(t tool, format string, args ...any) {
	r.Skipped = append(r.Skipped, Skip{t.server + "/" + t.name, fmt.Sprintf(format, args...)})
}

func (r *Report) tool(t tool, c *calls, set *access.Set, o Options) error {
	for _, why := range slices.Sorted(maps.Keys(c.left)) {
		r.skip(t, "%s left out: %s", plural.Of(c.left[why], "call"), why)
	}
	n := len(c.arguments)
	if n < o.MinCalls {
		r.skip(t, "%s without fault: at least %s are needed", plural.Of(n, "call"),
			plural.Of(o.MinCalls, "call"))
		return nil
	}
	server, match := access.EscapeGlob(t.server), access.EscapeGlob(t.name)
	item := access.Item{Server: t.server, Kind: access.KindTool, Name: t.name}
	switch denied, allowed := set.NamedBy(item); {
	case denied:
		r.skip(t, "a rule denies it")
		return nil
	case !allowed:
		err := r.propose(access.Rule{Layer: access.LayerTool, Server: server, Match: match,
			Effect: access.Allow}, []string{plural.Of(n, "call") + " without fault"})
		if err != nil {
			return err
		}
	}
	if n < o.MinSamples {
		r.skip(t, "%s without fault: a rule for its arguments needs at least %d",
			plural.Of(n, "call"), o.MinSamples)
		return nil
	}
	l := &learner{minSamples: o.MinSamples, paths: map[string][]string{}}
	schema, err := json.Marshal(l.infer("", c.arguments, 0))
	if err != nil {
		return err
	}
	rule := access.Rule{Layer: access.LayerParameter, Server: server, Match: match,
		Effect: access.Allow, Schema: schema}
	if len(l.paths) > 0 {
		rule.Paths = l.paths
	}
	if has := set.HasParameters(t.server, t.name); has && !o.Replace {
		r.skip(t, "its arguments already have a rule")
		return nil
	}
	return r.propose(rule, l.why)
}

func (r *Report) propose(rule access.Rule, why []string) error {
	rule, err := rule.Canonical()
	if err != nil {
		return err
	}
	changes := access.Diff(r.current, upsert(r.current, rule))
	if len(changes) == 0 {
		return nil
	}
	r.Proposals = append(r.Proposals, Proposal{Rule: rule, Change: changes[0], Why: why})
	return nil
}

func upsert(list []access.Rule, rule access.Rule) []access.Rule {
	out := slices.DeleteFunc(slices.Clone(list),
		func(r access.Rule) bool { return r.ID() == rule.ID() })
	return append(out, rule)
}

// Apply returns current with the proposals added.
func (r *Report) Apply(current []access.Rule) []access.Rule {
	for _, p := range r.Proposals {
		current = upsert(current, p.Rule)
	}
	return current
}
