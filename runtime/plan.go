package runtime

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/egress"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/idmap"
	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/internal/rights"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/rootfs"
	"github.com/mcpbox/mcpbox/runtime/internal/environ"
	"github.com/mcpbox/mcpbox/runtime/internal/landlock"
	"github.com/mcpbox/mcpbox/runtime/internal/state"
	"github.com/mcpbox/mcpbox/runtime/internal/topology"
	"github.com/mcpbox/mcpbox/seccomp"
)

// Plan says what Start does with a Spec on this host. Start follows the same plan. A Plan is plain
// data and can be written as JSON.
type Plan struct {
	Policy      string                `json:"policy"`
	Isolation   policies.Isolation    `json:"isolation"` // none: the program runs without a sandbox
	IDMap       IDMap                 `json:"id_map"`
	Namespaces  Namespaces            `json:"namespaces"`
	Network     NetworkPlan           `json:"network"`
	Secrets     []SecretPlan          `json:"secrets,omitempty"`
	Mounts      []rootfs.Place        `json:"mounts"` // in the order of mounting
	Filter      *seccomp.Summary      `json:"filter,omitempty"`
	Landlock    LandlockPlan          `json:"landlock"`
	Limits      map[string]LimitState `json:"limits"`
	Cgroup      string                `json:"cgroup,omitempty"` // the parent folder of the sandbox's cgroup
	Environment []EnvVar              `json:"environment"`
	Layers      Layers                `json:"layers"` // expected; Result.Layers is what was found

	spec     Spec
	host     host
	ids      idmap.IDs
	root     *rootfs.Plan
	landlock *initproto.Landlock

	placeholders map[string]string // of secrets
}

// IDMap says which ids of the host the sandbox's ids map to.
type IDMap struct {
	Kind string      `json:"kind,omitempty"`
	UID  []idmap.Map `json:"uid,omitempty"` // not for kind range: Start chooses a free one
	GID  []idmap.Map `json:"gid,omitempty"`
}

// Namespaces lists the namespaces of the sandbox, and the nested ones of each program in it.
type Namespaces struct {
	Sandbox []string `json:"sandbox,omitempty"`
	Program []string `json:"program,omitempty"`
}

// NetworkPlan says what a program can reach.
type NetworkPlan struct {
	Mode     policies.NetworkMode   `json:"mode"`
	Allow    []policies.NetworkRule `json:"allow,omitempty"`
	Resolver string                 `json:"resolver,omitempty"` // address inside
}

// SecretPlan says where a secret comes from and where it goes. It does not contain the secret.
type SecretPlan struct {
	Name  string `json:"name"`
	From  string `json:"from"`
	Where string `json:"where"` // one line
}

// LandlockPlan is the Landlock ruleset, a second check of paths. ABI 0: this kernel has no
// Landlock.
type LandlockPlan struct {
	ABI   int            `json:"abi"`
	Paths []LandlockPath `json:"paths,omitempty"`
}

// LandlockPath says what a program may do below a path: list, read, proc, dev or write. Each
// includes the one before it.
type LandlockPath struct {
	Path  string `json:"path"`
	Right string `json:"right"`
}

// EnvVar is a variable of the program's environment. A value from mcpbox's own environment is left
// out, because it may be a secret and a plan may be shown to others.
type EnvVar struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
	From  string `json:"from"` // base, limit, trust, caller, policy, command or secret
}

// NewPlan returns what Start would do with the spec on this host, and the error that Start would
// return if a layer that the policy requires is missing. It changes nothing. It cannot find out
// what only an attempt shows, such as a host that forbids namespaces: `mcpbox doctor` tries that.
// It neither uses nor closes Spec.Sinks.
func NewPlan(spec Spec) (*Plan, error) {
	if err := checkSpec(spec); err != nil {
		return nil, err
	}
	h := host{root: rights.Root(), ranged: ownRange(), landlock: landlock.ABI(),
		topology: topology.Expect()}
	if spec.Policy.Inspected() {
		h.authority = []byte("# the authority of the sandbox\n")
	}
	if wantsCgroup(spec.Policy.Limits) {
		h.expectCgroup()
	}
	p, err := newPlan(spec, h)
	if err != nil || p.Isolation == policies.IsolationNone {
		return p, err
	}
	summary, err := seccomp.Summarize(spec.Policy.Syscalls)
	if err != nil {
		return nil, fmt.Errorf("policy %s: %w", spec.Policy.Name, err)
	}
	p.Filter = &summary
	return p, nil
}

// newPlan is shared by Start and NewPlan. It reads folders of the host, and changes nothing.
func newPlan(spec Spec, h host) (*Plan, error) {
	policy := spec.Policy
	p := &Plan{Policy: policy.Name, Isolation: policy.Isolation, spec: spec, host: h}
	if policy.Isolation == policies.IsolationNone {
		p.bare()
		return p, nil
	}
	if err := h.require(spec); err != nil {
		return nil, err
	}
	cfg, err := rootfsConfig(spec, h)
	if err == nil {
		p.root, err = rootfs.Build(cfg)
	}
	if err != nil {
		return nil, err
	}
	p.Mounts = p.root.Places()
	p.landlock = landlock.Rules(p.root.Access, p.root.Canary)
	p.Landlock.ABI = h.landlock
	if h.landlock > 0 {
		for _, a := range p.root.Access {
			p.Landlock.Paths = append(p.Landlock.Paths, LandlockPath{a.Path, a.Right.String()})
		}
	}
	p.chooseIDs()
	p.Namespaces = namespaces(policy, spec.Cells > 0)
	p.Network = NetworkPlan{policy.Network.Mode, policy.Network.Allow, resolver(policy)}
	p.Limits = limitStates(policy.Limits, h.enforces(policy.Limits))
	p.Cgroup = h.cgroupPath
	p.Layers = p.layers()
	if !spec.BestEffort {
		if err := p.Layers.require(policy); err != nil {
			return nil, err
		}
	}
	p.placeholders = map[string]string{}
	for _, s := range policy.Secrets {
		p.Secrets = append(p.Secrets, SecretPlan{s.Name, spec.Secrets[s.Name].String(),
			s.Place()})
		p.placeholders[s.Name] = "(a placeholder)"
	}
	p.Environment = p.EnvironmentOf(Command{})
	return p, nil
}

// bare plans policy none.
func (p *Plan) bare() {
	policy := p.spec.Policy
	p.Layers = noLayers()
	p.Network.Mode = policies.NetworkHost
	p.Limits = clockLimits(policy.Limits)
	p.Environment, p.Mounts = []EnvVar{}, []rootfs.Place{}
}

func (p *Plan) chooseIDs() {
	if p.host.root || p.host.ranged {
		p.IDMap.Kind = idmap.Range
		return
	}
	p.ids = idmap.ForUser(len(p.spec.Policy.Filesystem.Mounts) > 0 || p.spec.Open)
	p.IDMap = IDMap{Kind: p.ids.Kind, UID: p.ids.UID, GID: p.ids.GID}
}

// layers returns the layers that a start finds if the host forbids nothing.
func (p *Plan) layers() Layers {
	l := Layers{}
	for _, layer := range allLayers() {
		l[layer] = Enforced
	}
	if p.spec.Policy.Network.Mode == policies.NetworkHost {
		l[policies.LayerNetworkNamespace] = Off
	}
	if p.host.landlock == 0 {
		l[policies.LayerLandlock] = Absent
	}
	l[policies.LayerCgroupLimits] = cgroupLayer(p.Limits)
	return l
}

// EnvironmentOf returns the environment that a command gets. For policy none it is empty, because
// the program gets the caller's whole environment.
func (p *Plan) EnvironmentOf(cmd Command) []EnvVar {
	out := []EnvVar{}
	if p.Isolation == policies.IsolationNone {
		return out
	}
	for _, v := range p.environment(cmd) {
		e := EnvVar{Name: v.Name, Value: v.Value, From: string(v.Origin)}
		if v.Origin == environ.Caller {
			e.Value = ""
		}
		out = append(out, e)
	}
	return out
}

func (p *Plan) environment(cmd Command) []environ.Variable {
	policy := p.spec.Policy
	c := environ.Config{Environment: policy.Environment, Limits: policy.Limits,
		MemoryHidden: !p.host.enforces(policy.Limits)("memory"), Terminal: cmd.TTY,
		Command: cmd.Env, Placeholders: p.placeholders}
	if p.host.authority != nil {
		c.Trust = rootfs.Bundle
	}
	return environ.Build(c)
}

// namespaces returns the namespaces of a sandbox. With cells, each program has its own namespaces
// of all kinds.
func namespaces(p *policies.Policy, cells bool) Namespaces {
	n := Namespaces{
		Sandbox: []string{"user", "mount", "pid", "ipc", "uts"},
		Program: []string{"user", "mount", "cgroup"},
	}
	if p.Network.Mode != policies.NetworkHost {
		n.Sandbox = append(n.Sandbox, "net")
	}
	if cells {
		n.Program = append(n.Program, "pid", "ipc", "uts")
		if p.Network.Mode != policies.NetworkHost {
			n.Program = append(n.Program, "net")
		}
	}
	return n
}

// cloneFlags returns the program's namespaces in addition to those that mcpbox-init always makes.
func (n Namespaces) cloneFlags() (flags uint64) {
	for _, name := range n.Program {
		switch name {
		case "cgroup":
			flags |= unix.CLONE_NEWCGROUP
		case "ipc":
			flags |= unix.CLONE_NEWIPC
		case "uts":
			flags |= unix.CLONE_NEWUTS
		case "net":
			flags |= unix.CLONE_NEWNET
		}
	}
	return flags
}

func rootfsConfig(spec Spec, h host) (rootfs.Config, error) {
	p := spec.Policy
	cfg := rootfs.Config{Filesystem: p.Filesystem, Disk: int64(p.Limits.Disk),
		CgroupView: h.cgroup(),
		Topology:   h.topology, Authority: h.authority,
		HostNet: p.Network.Mode == policies.NetworkHost, Resolver: resolver(p), Hostname: hostname}
	cfg.Files = wireFiles(spec.Files)
	own, err := ownFolders(p, h.state)
	if err != nil {
		return cfg, err
	}
	cfg.Filesystem.Hidden = append(slices.Clip(cfg.Filesystem.Hidden), own...)
	return cfg, nil
}

// ownFolders returns the paths at which the policy's mounts would show mcpbox's own folders. They
// are hidden, and can't be bound themselves.
func ownFolders(p *policies.Policy, instead string) (hide []string, err error) {
	for _, m := range p.Filesystem.Mounts {
		paths, err := state.Exposed(m.Source, m.Target, state.Folders(instead))
		if err != nil {
			return nil, err
		}
		hide = append(hide, paths...)
		hide = append(hide, state.Shown(m.Source, m.Target, state.Kept())...)
	}
	return hide, nil
}

// checkSpec refuses a spec with which no process could be started.
func checkSpec(spec Spec) error {
	if spec.Policy == nil {
		return hint.Errorf(`policies.Preset("standard") is one`,
			"a sandbox needs a policy: Spec.Policy is nil")
	}
	if spec.Open && spec.Cells == 0 {
		return hint.Errorf("set Spec.Cells", "Spec.Open is for sandboxes of cells")
	}
	if spec.Cells > 0 {
		if err := CheckCells(spec.Policy); err != nil {
			return err
		}
		if len(spec.Files) > 0 {
			return hint.Errorf("use Command.Files",
				"Spec.Files are in the sandbox's storage, and each cell has its own")
		}
	}
	if err := egress.CheckSources(spec.Policy, spec.Secrets); err != nil {
		return err
	}
	if len(spec.Files) > 0 && spec.Policy.Isolation == policies.IsolationNone {
		return hint.Errorf("choose a policy with a sandbox",
			"policy %s: without a sandbox there is no storage for Spec.Files", spec.Policy.Name)
	}
	return nil
}
