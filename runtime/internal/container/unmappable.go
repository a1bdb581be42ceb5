package container

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/rootfs"
)

// UnmappableError means that the file system of a caller's mount, or of a mount inside that folder,
// can't map owners. Only an attempt shows this, because it depends on the kernel. mount_setattr(2)
type UnmappableError struct {
	Mount  rootfs.Mount
	Inside []string // "PATH (TYPE)" of the mounts in that folder
	Type   string   // of the file system
	err    error
}

func (e *UnmappableError) Unwrap() error { return e.err }

func (e *UnmappableError) Error() string {
	where := e.Mount.Source + " (" + e.Type + ")"
	if len(e.Inside) > 0 {
		const most = 3
		names := e.Inside
		if len(names) > most {
			names = append(append([]string{}, names[:most]...), fmt.Sprintf("%d more",
				len(e.Inside)-most))
		}
		where += ", or a mount inside it: " + strings.Join(names, ", ")
	}
	return "this kernel can't map the owner of files in " + where
}

// remedy returns what works on such a file system.
func (e *UnmappableError) remedy() string {
	if m := e.Mount; m.UID != 0 {
		return fmt.Sprintf("run mcpbox as the folder's owner, who needs no mapping: "+
			"setpriv --reuid %d --regid %d --init-groups mcpbox …", m.UID, m.GID)
	}
	text := "mount it read-only (:ro), or a copy of it on another file system (ext4, xfs, btrfs, " +
		"tmpfs), or run mcpbox as an ordinary user who owns it"
	if len(e.Inside) > 0 {
		text = "unmount the file system inside, or mount the other folders one by one; or " + text
	}
	return text
}

// unmappable makes an UnmappableError from libcontainer's error. It returns nil for other errors.
func unmappable(err error, plan *rootfs.Plan) error {
	text := err.Error()
	const step = "failed to set MOUNT_ATTR_IDMAP on "
	_, rest, ok := strings.Cut(text, step)
	if !ok {
		return nil
	}
	for _, m := range plan.Mounts {
		if m.User && !m.Unmapped && strings.HasPrefix(rest, m.Source+":") {
			e := &UnmappableError{Mount: m, Type: "unknown", err: err}
			e.Type, e.Inside = mountsOf(m.Source)
			return hint.Wrap(e, e.remedy())
		}
	}
	return nil
}

// mountsOf reads the type of the file system that dir is on, and the mounts below dir.
// proc_pid_mountinfo(5)
func mountsOf(dir string) (fstype string, inside []string) {
	data, _ := os.ReadFile("/proc/self/mountinfo")
	fstype, longest := "unknown", -1
	for line := range strings.Lines(string(data)) {
		before, after, ok := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if !ok || len(fields) < 5 {
			continue
		}
		point, typ := unescape(fields[4]), strings.Fields(after)[0]
		switch {
		case strings.HasPrefix(point, strings.TrimSuffix(dir, "/")+"/"):
			inside = append(inside, point+" ("+typ+")")
		case (point == dir || point == "/" || strings.HasPrefix(dir, point+"/")) &&
			len(point) >= longest:
			fstype, longest = typ, len(point)
		}
	}
	return fstype, inside
}

// unescape decodes the kernel's escapes, such as \040 for a blank.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// Unmapped returns the mount in err, if it is read-only and so can be mounted without a mapping:
// then the tool can read the files that everybody may read.
func Unmapped(err error) (rootfs.Mount, bool) {
	var e *UnmappableError
	if errors.As(err, &e) && e.Mount.ReadOnly {
		return e.Mount, true
	}
	return rootfs.Mount{}, false
}
