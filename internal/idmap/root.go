package idmap

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/moby/sys/user"
	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// Ids for sandboxes started by root come from a part of the 32-bit space that
// systemd's allocation table leaves unused (systemd: UIDS-GIDS.md), a range each.
const (
	base  = 0x70000000
	size  = 0x10000
	count = 4094
)

// ForRoot claims a range that no running sandbox and no account of the host uses. The claim is a
// lock on one byte of a file in the state folder. It ends when lock is closed or the process ends.
// fcntl_locking(2), OFD locks
func ForRoot(state string) (ids IDs, lock *os.File, err error) {
	f, err := os.OpenFile(filepath.Join(state, "ids"), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return ids, nil, err
	}
	taken := allocated()
	first := rand.IntN(count)
	for i := range count {
		n := (first + i) % count
		start := base + n*size
		if taken(start, size) {
			continue
		}
		lock := unix.Flock_t{Type: unix.F_WRLCK, Start: int64(n), Len: 1}
		err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lock)
		if err == unix.EAGAIN {
			continue
		}
		if err != nil {
			f.Close()
			return ids, nil, fmt.Errorf("lock an id range: %w", err)
		}
		return rangeFrom(start), f, nil
	}
	f.Close()
	return ids, nil, hint.Errorf("close sandboxes that are no longer needed",
		"all %d id ranges are in use", count)
}

func rangeFrom(start int) IDs {
	m := []Map{{Inside: 0, Host: start, Count: size}}
	tool := start + ToolID
	return IDs{UID: m, GID: m, Tool: ToolID, ToolUID: tool, ToolGID: tool, Kind: Range}
}

// allocated reads the host's accounts and subordinate ranges. A file that can't be read counts as
// empty.
func allocated() func(start, count int) bool {
	type span struct{ start, count int64 }
	var spans []span
	for _, path := range []string{"/etc/subuid", "/etc/subgid"} {
		ranges, _ := user.ParseSubIDFile(path)
		for _, r := range ranges {
			spans = append(spans, span{r.SubID, r.Count})
		}
	}
	accounts, _ := user.ParsePasswdFile("/etc/passwd")
	for _, a := range accounts {
		spans = append(spans, span{int64(a.Uid), 1})
	}
	return func(start, count int) bool {
		for _, s := range spans {
			if s.start < int64(start+count) && int64(start) < s.start+s.count {
				return true
			}
		}
		return false
	}
}
