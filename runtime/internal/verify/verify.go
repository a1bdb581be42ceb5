package verify

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/rootfs"
)

// Layers reads from the kernel which layers a process has, before it executes the tool. toolUID is
// the uid that it must have, in this namespace; its are its namespaces. proc_pid_status(5),
// proc_pid_ns(5), statfs(2)
func Layers(pid, toolUID int, its Namespaces) (map[policies.Layer]bool, error) {
	dir := "/proc/" + strconv.Itoa(pid)
	own, err := own()
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(dir + "/status")
	if err != nil {
		return nil, fmt.Errorf("verify the layers: %w", err)
	}
	status := Status(data)
	l := map[policies.Layer]bool{}
	set := func(layer policies.Layer, ok bool) { l[layer] = ok }
	caps := true
	for _, key := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
		caps = caps && strings.Trim(status[key], "0") == "" && status[key] != ""
	}
	set(policies.LayerCapabilities, caps)
	set(policies.LayerNoNewPrivileges, status["NoNewPrivs"] == "1")
	set(policies.LayerSeccomp, status["Seccomp"] == "2")

	for layer, name := range map[policies.Layer]string{
		policies.LayerPIDNamespace: "pid", policies.LayerMountNamespace: "mnt",
		policies.LayerNetworkNamespace: "net", policies.LayerIPCNamespace: "ipc",
		policies.LayerUTSNamespace: "uts", policies.LayerCgroupNamespace: "cgroup",
	} {
		set(layer, its[name] != "" && own[name] != its[name])
	}
	uid := strings.Fields(status["Uid"])
	set(policies.LayerUserNamespace, its["user"] != "" && own["user"] != its["user"] &&
		len(uid) == 4 &&
		uid[0] == strconv.Itoa(toolUID) && uid[1] == uid[0] && uid[2] == uid[0] && uid[3] == uid[0])

	// Not from mountinfo: the kernel would write a line for each of some sixty mounts, at every
	// start.
	var root unix.Statfs_t
	if err := unix.Statfs(dir+"/root", &root); err != nil {
		return nil, fmt.Errorf("verify the layers: %w", err)
	}
	set(policies.LayerRootfs, root.Type == unix.TMPFS_MAGIC && root.Flags&unix.ST_RDONLY != 0)
	return l, nil
}

// Mounts compares the mounted files with the checked ones. libcontainer opens a source by its path:
// if others may write a folder of the path, they could have put a link there in between.
func Mounts(pid int, plan *rootfs.Plan) error {
	for _, m := range plan.Mounts {
		if !m.User {
			continue
		}
		var st unix.Stat_t
		if err := unix.Stat("/proc/"+strconv.Itoa(pid)+"/root"+m.Target, &st); err != nil {
			return fmt.Errorf("verify the mount %s: %w", m.Target, err)
		}
		if st.Dev != m.Dev || st.Ino != m.Ino {
			return fmt.Errorf(
				"verify the mount %s: it is not the %s that was there when mcpbox started",
				m.Target, m.Source)
		}
	}
	return nil
}

// Status parses a /proc/<pid>/status text. proc_pid_status(5)
func Status(data []byte) map[string]string {
	out := map[string]string{}
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan(); {
		if key, value, ok := strings.Cut(s.Text(), ":"); ok {
			out[key] = strings.TrimSpace(value)
		}
	}
	return out
}
