package idmap

import (
	"fmt"
	"os"
	"os/exec"
	osuser "os/user"
	"strconv"

	"github.com/moby/sys/user"
)

// ForUser gives the tool a subordinate id of the caller. With own, or if there are none, the tool
// gets the caller's own id. Then files that it creates in a bound folder belong to the caller. PID
// 1 has the caller's id in both cases, because libcontainer requires that.
func ForUser(own bool) IDs {
	uid, gid := os.Geteuid(), os.Getegid()
	if !own {
		if ids, err := subordinate(uid, gid); err == nil {
			return ids
		}
	}
	return IDs{
		UID: []Map{{Inside: 0, Host: uid, Count: 1}}, GID: []Map{{Inside: 0, Host: gid, Count: 1}},
		Tool: 0, ToolUID: uid, ToolGID: gid, Kind: Single,
	}
}

// CheckSubordinate returns nil if the caller has subordinate ids for the tool. Otherwise the error
// says why not.
func CheckSubordinate() error {
	_, err := subordinate(os.Geteuid(), os.Getegid())
	return err
}

// subordinate reads the caller's ranges of subuid(5) and subgid(5). newuidmap(1) checks them again.
func subordinate(uid, gid int) (ids IDs, err error) {
	for _, tool := range []string{"newuidmap", "newgidmap"} {
		if _, err := exec.LookPath(tool); err != nil {
			return ids, &MissingError{Tool: tool}
		}
	}
	u, err := subRange("/etc/subuid", uid)
	if err != nil {
		return ids, err
	}
	g, err := subRange("/etc/subgid", uid)
	if err != nil {
		return ids, err
	}
	with := func(own, sub int) []Map {
		return []Map{{Inside: 0, Host: own, Count: 1}, {Inside: 1, Host: sub, Count: size - 1}}
	}
	const t = ToolID
	return IDs{UID: with(uid, u), GID: with(gid, g), Tool: t, ToolUID: u + t - 1, ToolGID: g +
		t - 1,
		Kind: Subordinate}, nil
}

// MissingError says what an ordinary user lacks for subordinate ids: the program Tool, or a range
// in File.
type MissingError struct{ Tool, File, Login string }

func (e *MissingError) Error() string {
	if e.Tool != "" {
		return e.Tool + " is not installed"
	}
	return fmt.Sprintf("%s has no range of %d ids for %s", e.File, size-1, e.Login)
}

// subRange returns the first id of a range that is large enough.
func subRange(path string, uid int) (int, error) {
	account := strconv.Itoa(uid)
	login := account
	if u, err := osuser.LookupId(account); err == nil {
		login = u.Username
	}
	ranges, err := user.ParseSubIDFileFilter(path, func(r user.SubID) bool {
		return (r.Name == login || r.Name == account) && r.Count >= size-1
	})
	if err != nil && !os.IsNotExist(err) {
		return 0, err
	}
	if len(ranges) == 0 {
		return 0, &MissingError{File: path, Login: login}
	}
	return int(ranges[0].SubID), nil
}
