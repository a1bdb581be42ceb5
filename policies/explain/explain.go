package explain

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/policies/internal/yaml"
)

// Policy describes what a policy allows a tool and what it forbids, area by area.
func Policy(p *policies.Policy) string {
	e := &explainer{}
	e.line("Policy %s", p.Name)
	if p.Description != "" {
		e.line("%s", p.Description)
	}
	if p.Isolation == policies.IsolationNone {
		e.area("Isolation")
		e.item("none: the tool runs bare, with all that the caller may do. Nothing below the " +
			"limits is enforced")
		e.limits(p)
		return e.String()
	}
	e.isolation(p)
	e.files(p)
	e.network(p)
	e.syscalls(p)
	e.limits(p)
	e.environment(p)
	e.guard(p)
	e.mcp(p)
	e.packages(p)
	e.rules(p)
	return e.String()
}

type explainer struct{ strings.Builder }

func (e *explainer) line(format string, args ...any) {
	e.WriteString(safetext.Clean(fmt.Sprintf(format, args...), 0) + "\n")
}

func (e *explainer) area(name string)                { e.WriteString("\n" + name + "\n") }
func (e *explainer) item(format string, args ...any) { e.line("  - "+format, args...) }

func (e *explainer) isolation(p *policies.Policy) {
	e.area("Isolation")
	e.item("processes, users, mounts, IPC and host name of its own; no capabilities, no way to " +
		"gain privileges")
	e.item("cannot see or signal the host's processes")
	if len(p.Require) == 0 {
		e.item("nothing is required: a layer the host lacks is reported, not refused")
		return
	}
	var names []string
	for _, l := range p.Require {
		if l != policies.LayerNetworkNamespace || p.Network.Mode != policies.NetworkHost {
			names = append(names, strings.ReplaceAll(string(l), "_", " "))
		}
	}
	e.item("does not start unless the kernel enforces: %s", strings.Join(names, ", "))
}

func (e *explainer) files(p *policies.Policy) {
	e.area("Files")
	if p.Filesystem.Rootfs != "" {
		e.item("can read the root folder %s in place of the host's programs and libraries",
			p.Filesystem.Rootfs)
	} else {
		e.item("can read the host's programs and libraries (/usr), not change them")
	}
	storage := ""
	if p.Limits.Disk > 0 {
		storage = ", " + p.Limits.Disk.String() + " in all"
	}
	// a deny rule on mode bits does not forbid writing
	if p.AllowsBeforeDeny("openat", "@file-system", "@system-service") == policies.Partly {
		e.item("can open files in certain ways only: see the conditions below")
	} else {
		e.item("can write to /tmp, its home and /work, which are its own and vanish with it%s",
			storage)
	}
	for _, m := range p.Filesystem.Mounts {
		verb := "read"
		if m.Mode == policies.ReadWrite {
			verb = "read and change"
		}
		e.item("can %s %s of the host, as %s", verb, m.Source, m.Target)
	}
	if len(p.Filesystem.Folders) > 0 {
		e.item("has empty folders of its own: %s", strings.Join(p.Filesystem.Folders, ", "))
	}
	for _, h := range p.Filesystem.Hidden {
		e.item("cannot see %s", h)
	}
	e.item("cannot see anything else of the host: no home folders, no /root, /var, /run, no " +
		"sockets")
}

func (e *explainer) limits(p *policies.Policy) {
	e.area("Limits")
	l := &p.Limits
	v := reflect.ValueOf(*l)
	var unlimited []string
	for i := range v.NumField() {
		key := yaml.Key(v.Type().Field(i))
		label := strings.ReplaceAll(key, "_", " ")
		switch {
		case key == "io_weight" || key == "io":
			if !v.Field(i).IsZero() {
				e.item("%s: %v", label, v.Field(i).Interface())
			}
		case v.Field(i).IsZero():
			unlimited = append(unlimited, label)
		default:
			e.item("%s: %v", label, v.Field(i).Interface())
		}
	}
	if p.Code.Timeout > 0 && l.Timeout == 0 {
		e.item("timeout of mcpbox code: %s", p.Code.Timeout)
	}
	if len(unlimited) > 0 {
		e.item("not limited: %s", strings.Join(unlimited, ", "))
	}
}

func (e *explainer) environment(p *policies.Policy) {
	e.area("Environment")
	if len(p.Environment.Pass) > 0 {
		e.item("sees of the caller's variables: %s", strings.Join(p.Environment.Pass, ", "))
	} else {
		e.item("sees none of the caller's variables")
	}
	if names := slices.Sorted(maps.Keys(p.Environment.Set)); len(names) > 0 {
		e.item("is given: %s", strings.Join(names, ", "))
	}
}

func (e *explainer) rules(p *policies.Policy) {
	if len(p.Rules) == 0 {
		return
	}
	e.area("Rules")
	for _, r := range p.Rules {
		severity := ""
		if r.Severity != "" {
			severity = ", severity " + r.Severity
		}
		often := ""
		if r.Count > 1 {
			often = fmt.Sprintf(", %d times within %s", r.Count, time.Duration(r.Within))
		}
		if r.For > 0 {
			often = ", for " + time.Duration(r.For).String()
		}
		except := ""
		if len(r.Except) > 0 {
			except = ", except when " + strings.Join(r.Except, ", or when ")
		}
		e.item("%s: %s%s when %s%s%s", r.ID, r.Action, severity, r.When, often, except)
	}
}
