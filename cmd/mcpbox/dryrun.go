package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/idmap"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/policies"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// dryRun are the flags that show what a start would do.
type dryRun struct{ on, json bool }

func (d *dryRun) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.BoolVar(&d.on, "dry-run", false,
		"show what a start would do on this host, and start nothing")
	fl.BoolVar(&d.json, "json", false, "with --dry-run: as JSON")
}

// check refuses --json alone.
func (d dryRun) check() error {
	if d.json && !d.on {
		return hint.Errorf("add --dry-run; the result of a run as JSON: --result FILE",
			"--json is for --dry-run")
	}
	return nil
}

// show writes the plan of a command.
func (d dryRun) show(w io.Writer, spec mcpruntime.Spec, cmd mcpruntime.Command) error {
	plan, err := mcpruntime.NewPlan(spec)
	if err != nil {
		return err
	}
	plan.Environment = plan.EnvironmentOf(cmd)
	if d.json {
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		return out.Encode(struct {
			Command   []string `json:"command"`
			Directory string   `json:"directory,omitempty"`
			*mcpruntime.Plan
		}{cmd.Args, cmd.Dir, plan})
	}
	var b strings.Builder
	planText(&b, plan, cmd)
	_, err = io.WriteString(w, b.String())
	return err
}

// planText writes the plan for a person: a heading for each area, one line for each item.
func planText(b *strings.Builder, p *mcpruntime.Plan, cmd mcpruntime.Command) {
	area := func(name, format string, a ...any) {
		fmt.Fprintf(b, "%-12s "+format+"\n", append([]any{name}, a...)...)
	}
	area("command", "%s", safetext.Clean(strings.Join(cmd.Args, " "), 0))
	area("policy", "%s", p.Policy)
	if p.Isolation == policies.IsolationNone {
		area("isolation", "none: the program runs without a sandbox")
		return
	}
	area("ids", "%s", idText(p.IDMap))
	area("namespaces", "%s; nested, for each program: %s",
		strings.Join(p.Namespaces.Sandbox, ", "), strings.Join(p.Namespaces.Program, ", "))
	area("network", "%s", networkText(p.Network))
	for _, s := range p.Secrets {
		area("secret", "%s from %s: %s", s.Name, s.From, s.Where)
	}
	area("filter", "%s", filterText(p))
	area("landlock", "%s", landlockText(p.Landlock))
	if p.Cgroup != "" {
		area("cgroup", "below %s", p.Cgroup)
	}
	fmt.Fprintln(b, "\nlimits")
	table(b, func(w io.Writer) {
		for _, name := range slices.Sorted(maps.Keys(p.Limits)) {
			l := p.Limits[name]
			fmt.Fprintf(w, "  %s\t%s\t%s\n", name, limitText(name, l.Value), backendText(l.Backend))
		}
	})
	fmt.Fprintln(b, "\nlayers")
	table(b, func(w io.Writer) {
		for _, layer := range slices.Sorted(maps.Keys(p.Layers)) {
			fmt.Fprintf(w, "  %s\t%s\n", layer, p.Layers[layer])
		}
	})
	fmt.Fprintln(b, "\nenvironment")
	table(b, func(w io.Writer) {
		for _, e := range p.Environment {
			value := safetext.Clean(e.Value, 0)
			if e.From == "caller" {
				value = "(your value)"
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\n", e.Name, value, e.From)
		}
	})
	fmt.Fprintln(b, "\nfiles")
	table(b, func(w io.Writer) {
		for _, m := range p.Mounts {
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", m.Path, m.Access, m.Kind, m.Source)
		}
	})
}

func table(b *strings.Builder, rows func(io.Writer)) {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	rows(w)
	w.Flush()
	for line := range strings.Lines(text.String()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
}

func idText(m mcpruntime.IDMap) string {
	switch m.Kind {
	case idmap.Range:
		return "uid 1000 inside; outside a range of ids that no account has, chosen at the start"
	case idmap.Subordinate:
		return fmt.Sprintf("uid 1000 inside; outside your subordinate ids from %d on",
			m.UID[len(m.UID)-1].Host)
	}
	return fmt.Sprintf("uid 1000 inside; outside your own uid %d", m.UID[0].Host)
}

func networkText(n mcpruntime.NetworkPlan) string {
	switch n.Mode {
	case policies.NetworkHost:
		return "the host's"
	case policies.NetworkAllow:
		var rules []string
		for _, r := range n.Allow {
			ports := strings.Trim(strings.ReplaceAll(fmt.Sprint(r.Ports), " ", ","), "[]")
			rule := strings.TrimSuffix(r.Host+":"+ports, ":")
			if len(r.Methods) > 0 {
				rule += " (" + strings.Join(r.Methods, ", ") + ")"
			}
			rules = append(rules, rule)
		}
		return "only " + strings.Join(rules, ", ") + "; name server " + n.Resolver
	}
	return "none (lo only)"
}

func filterText(p *mcpruntime.Plan) string {
	f := p.Filter
	text := fmt.Sprintf("default %s; %d calls allowed, %d refused", f.Default, f.Allowed, f.Refused)
	if len(f.Conditional) > 0 {
		text += fmt.Sprintf(", %d by their arguments (%d rules): %s", len(f.Conditional), f.Rules,
			strings.Join(f.Conditional, ", "))
	}
	if f.Violation == policies.ViolationKill {
		return text + "; a refused call kills the program"
	}
	return text
}

func landlockText(l mcpruntime.LandlockPlan) string {
	if l.ABI == 0 {
		return "not available on this host"
	}
	return fmt.Sprintf("ABI %d, %d paths", l.ABI, len(l.Paths))
}

func backendText(backend string) string {
	if backend == "none" {
		return "not enforced on this host"
	}
	return backend
}

// limitText writes a limit in its unit. See runtime.LimitState.
func limitText(name string, v int64) string {
	switch name {
	case "memory", "disk", "file_size", "output":
		return policies.Size(v).String()
	case "cpus":
		return fmt.Sprintf("%g", float64(v)/1000)
	case "timeout", "cpu_time":
		return (time.Duration(v) * time.Millisecond).String()
	}
	return fmt.Sprint(v)
}
