package container

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runc/libcontainer/configs"
	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/idmap"
	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/rootfs"
	"github.com/mcpbox/mcpbox/runtime/internal/state"
)

// Config is what Start needs.
type Config struct {
	ID       string
	StateDir string // of all sandboxes of this user
	Plan     *rootfs.Plan
	IDs      idmap.IDs
	Rootless bool // started by an ordinary user
	// Namespaces are user, mount, pid, ipc and uts; net unless it is the host's
	Namespaces []string
	NetAdmin   bool   // mcpbox-init sets up the network, and then drops the capabilities for it
	Cgroup     string // of mcpbox-init, relative to the cgroup v2 mount; "" for none
	Hostname   string
	Init       *os.File     // mcpbox-init's executable, a memfd
	Sealed     func() error // waits until Init is complete and can't be changed
	// OwnKeyring: the sandbox gets a session keyring of its own. Otherwise it shares an empty one,
	// because a user may have 200 keys only.
	OwnKeyring bool
	Control    *os.File // its end of the control socket
}

// outerRoot returns libcontainer's own root. It only has mount points, and all sandboxes share it.
// Tools never see it.
func outerRoot(stateDir string) (string, error) {
	root := filepath.Join(stateDir, "root")
	for _, dir := range []string{"", "proc", "dev", "etc", initproto.Root} {
		if err := state.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			return "", err
		}
	}
	return root, nil
}

func libcontainerConfig(cfg Config, root string) (*configs.Config, error) {
	c := &configs.Config{
		Rootfs:            root,
		Readonlyfs:        true,
		RootPropagation:   unix.MS_SLAVE | unix.MS_REC,
		NoNewPrivileges:   true,
		ParentDeathSignal: int(unix.SIGKILL),
		Hostname:          cfg.Hostname,
		RootlessEUID:      cfg.Rootless,
		RootlessCgroups:   cfg.Rootless || cfg.Cgroup == "",
		UIDMappings:       idMaps(cfg.IDs.UID),
		GIDMappings:       idMaps(cfg.IDs.GID),
		Capabilities:      initCapabilities(cfg.NetAdmin),
		NoNewKeyring:      !cfg.OwnKeyring,
		Cgroups: &cgroups.Cgroup{Resources: &cgroups.Resources{},
			Rootless: cfg.Rootless || cfg.Cgroup == ""},
		Mounts: []*configs.Mount{
			{Source: "proc", Destination: "/proc", Device: "proc",
				Flags: unix.MS_NOEXEC | unix.MS_NOSUID | unix.MS_NODEV},
		},
	}
	if cfg.Cgroup != "" {
		c.Cgroups.Path = cfg.Cgroup
	} else {
		c.Cgroups.Name = "mcpbox-" + cfg.ID
	}
	// No cgroup namespace: a cell gets its own, and clone into the cell's cgroup must see both.
	for _, name := range cfg.Namespaces {
		kind, ok := namespaceTypes[name]
		if !ok {
			return nil, fmt.Errorf("unknown namespace %q", name)
		}
		c.Namespaces = append(c.Namespaces, configs.Namespace{Type: kind})
		if kind == configs.NEWNET {
			c.Networks = []*configs.Network{{Type: "loopback"}}
		}
	}
	for _, m := range cfg.Plan.Mounts {
		c.Mounts = append(c.Mounts, libcontainerMount(cfg, m))
	}
	return c, nil
}

var namespaceTypes = map[string]configs.NamespaceType{"user": configs.NEWUSER,
	"mount": configs.NEWNS, "pid": configs.NEWPID, "ipc": configs.NEWIPC, "uts": configs.NEWUTS,
	"net": configs.NEWNET}

// initCapabilities returns the capabilities for mapping a cell's ids, and for making folders with
// the tool's id.
func initCapabilities(netAdmin bool) *configs.Capabilities {
	caps := []string{"CAP_SETUID", "CAP_SETGID", "CAP_SETFCAP"}
	if netAdmin {
		caps = append(caps, "CAP_NET_ADMIN", "CAP_NET_BIND_SERVICE", "CAP_SETPCAP")
	}
	return &configs.Capabilities{Bounding: caps, Effective: caps, Permitted: caps}
}

func libcontainerMount(cfg Config, m rootfs.Mount) *configs.Mount {
	out := &configs.Mount{Source: m.Source, Destination: filepath.Join(initproto.Root, m.Target),
		Device: m.Type, Data: m.Data}
	if m.Outer {
		out.Destination = m.Target
	}
	switch {
	case m.Type == "tmpfs":
		out.Flags = unix.MS_NOSUID | unix.MS_NODEV
	case m.Type == "proc":
		out.Flags = unix.MS_NOEXEC | unix.MS_NOSUID | unix.MS_NODEV
	case m.Type == "devpts":
		out.Flags = unix.MS_NOSUID | unix.MS_NOEXEC
	case m.Type == "dev":
		// At /dev, this also avoids libcontainer's own device folder.
		out.Device, out.Flags = "bind", unix.MS_BIND|unix.MS_REC
	default:
		out.Flags = unix.MS_BIND | unix.MS_REC
		attr := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV}
		if m.ReadOnly {
			attr.Attr_set |= unix.MOUNT_ATTR_RDONLY
		}
		out.RecAttr = attr
		if m.User && !m.Unmapped && !cfg.Rootless {
			out.IDMapping = ownerAsTool(m, cfg.IDs)
		}
	}
	return out
}

// ownerAsTool makes the source's owner appear as the tool. Files that the tool creates belong to
// this owner. mount_setattr(2), MOUNT_ATTR_IDMAP
func ownerAsTool(m rootfs.Mount, ids idmap.IDs) *configs.MountIDMapping {
	one := func(host uint32, inside int) []configs.IDMap {
		return []configs.IDMap{{ContainerID: int64(host), HostID: int64(inside), Size: 1}}
	}
	return &configs.MountIDMapping{
		Recursive:   true, // otherwise new files in a mount inside would have no valid owner
		UIDMappings: one(m.UID, ids.ToolUID),
		GIDMappings: one(m.GID, ids.ToolGID),
	}
}

func idMaps(in []idmap.Map) (out []configs.IDMap) {
	for _, m := range in {
		out = append(out, configs.IDMap{ContainerID: int64(m.Inside), HostID: int64(m.Host),
			Size: int64(m.Count)})
	}
	return out
}
