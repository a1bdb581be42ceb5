package doctor

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
)

func subordinateIDs() Item {
	const name = "subordinate ids"
	const loses = "an id of its own for the sandbox's PID 1: a single-id map is used, in which all of the sandbox is the caller"
	if isRoot() {
		return ok(name, "not needed: root maps a range itself")
	}
	account := strconv.Itoa(os.Getuid())
	login := account
	if u, err := user.LookupId(account); err == nil {
		login = u.Username
	}
	for _, tool := range []string{"newuidmap", "newgidmap"} {
		if _, err := exec.LookPath(tool); err != nil {
			return Item{name, Warn, tool + " is not installed", loses, "sudo apt install uidmap"}
		}
	}
	for _, file := range []string{"/etc/subuid", "/etc/subgid"} {
		text, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			return Item{name, Warn, err.Error(), loses, ""}
		}
		if subordinateRange(string(text), login, account) == 0 {
			return Item{name, Warn, fmt.Sprintf("%s has no line for %s", file, login), loses,
				fmt.Sprintf("sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s", login)}
		}
	}
	return ok(name, "newuidmap, newgidmap and ranges for "+login)
}

// subordinateRange sums the ids that a file of subuid(5) gives to an account, by name or number.
func subordinateRange(text, login, uid string) int {
	total := 0
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) != 3 || (f[0] != login && f[0] != uid) {
			continue
		}
		if n, err := strconv.Atoi(f[2]); err == nil && n > 0 {
			total += n
		}
	}
	return total
}
