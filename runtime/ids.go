package runtime

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/runtime/internal/container"
)

// Ids for sandboxes started by root come from a part of the 32-bit space that
// systemd's allocation table leaves unused (systemd: UIDS-GIDS.md), a range each.
const (
	idBase  = 0x70000000
	idRange = 0x10000
	idCount = 4094
)

// rootIDs claims a range that no running sandbox and no account of the host has:
// a lock on one byte of a file, which ends with the process. fcntl_locking(2), OFD locks
func rootIDs(state string) (ids container.IDs, lock *os.File, err error) {
	f, err := os.OpenFile(filepath.Join(state, "ids"), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return ids, nil, err
	}
	taken := allocated("/etc/subuid", "/etc/subgid", "/etc/passwd")
	first := rand.IntN(idCount)
	for i := range idCount {
		n := (first + i) % idCount
		base := idBase + n*idRange
		if taken(base, idRange) {
			continue
		}
		err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Start: int64(n), Len: 1})
		if err == unix.EAGAIN {
			continue
		}
		if err != nil {
			f.Close()
			return ids, nil, fmt.Errorf("lock an id range: %w", err)
		}
		m := []container.Map{{Inside: 0, Host: base, Count: idRange}}
		tool := base + initproto.ToolID
		return container.IDs{UID: m, GID: m, Tool: initproto.ToolID, ToolUID: tool, ToolGID: tool}, f, nil
	}
	f.Close()
	return ids, nil, hint.Errorf("close sandboxes that are no longer needed", "all %d id ranges are in use", idCount)
}

// allocated reads id ranges (name:start:count) and accounts (name:x:uid:…).
func allocated(paths ...string) func(base, count int) bool {
	type span struct{ start, count int }
	var spans []span
	for _, path := range paths {
		data, _ := os.ReadFile(path)
		for _, line := range strings.Split(string(data), "\n") {
			f := strings.Split(line, ":")
			if len(f) < 3 {
				continue
			}
			at, count := 1, 1
			if strings.HasSuffix(path, "passwd") {
				at = 2
			} else {
				count, _ = strconv.Atoi(f[2])
			}
			if start, err := strconv.Atoi(f[at]); err == nil {
				spans = append(spans, span{start, count})
			}
		}
	}
	return func(base, count int) bool {
		for _, s := range spans {
			if s.start < base+count && base < s.start+s.count {
				return true
			}
		}
		return false
	}
}

// userIDs gives the tool a subordinate id of the caller's, or, where own is set
// or there are none, the caller's own: what it creates in a bound folder then
// belongs to the caller. PID 1 has the caller's id (libcontainer insists).
func userIDs(own bool) container.IDs {
	uid, gid := os.Geteuid(), os.Getegid()
	if !own {
		if ids, ok := subordinate(uid, gid); ok {
			return ids
		}
	}
	return container.IDs{
		UID: []container.Map{{Inside: 0, Host: uid, Count: 1}}, GID: []container.Map{{Inside: 0, Host: gid, Count: 1}},
		Tool: 0, ToolUID: uid, ToolGID: gid,
	}
}

// subordinate reads the caller's ranges of subuid(5) and subgid(5), which newuidmap(1) will check again.
func subordinate(uid, gid int) (ids container.IDs, ok bool) {
	for _, tool := range []string{"newuidmap", "newgidmap"} {
		if _, err := exec.LookPath(tool); err != nil {
			return ids, false
		}
	}
	u, err := subRange("/etc/subuid", uid)
	if err != nil {
		return ids, false
	}
	g, err := subRange("/etc/subgid", uid)
	if err != nil {
		return ids, false
	}
	with := func(own, sub int) []container.Map {
		return []container.Map{{Inside: 0, Host: own, Count: 1}, {Inside: 1, Host: sub, Count: idRange - 1}}
	}
	t := initproto.ToolID
	return container.IDs{UID: with(uid, u), GID: with(gid, g), Tool: t, ToolUID: u + t - 1, ToolGID: g + t - 1}, true
}

func subRange(path string, uid int) (int, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	names := map[string]bool{strconv.Itoa(uid): true}
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		names[u.Username] = true
	}
	for _, line := range strings.Split(string(data), "\n") {
		f := strings.Split(line, ":")
		if len(f) != 3 || !names[f[0]] {
			continue
		}
		start, err1 := strconv.Atoi(f[1])
		count, err2 := strconv.Atoi(f[2])
		if err1 == nil && err2 == nil && count >= idRange-1 {
			return start, nil
		}
	}
	return 0, fmt.Errorf("%s has no range of %d ids for uid %d", path, idRange-1, uid)
}
