package doctor

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/cgroups"
	"github.com/mcpbox/mcpbox/internal/hint"
)

func cgroup2(ctx context.Context) Item {
	const name = "cgroup v2"
	p, err := cgroups.Find(ctx, cgroups.Options{})
	if err != nil {
		return Item{name, Warn, oneLine(err.Error()),
			"limits of cpus and io; the watchdog polls memory, processes and cpu_time instead of " +
				"the kernel; strict and maximum do not start", hint.Of(err)}
	}
	found := fmt.Sprintf("%s (%s): %s", p.Path(), p.Origin(), strings.Join(p.Controllers(), " "))
	var missing []string
	for _, c := range []string{"cpu", "memory", "pids"} {
		if !slices.Contains(p.Controllers(), c) {
			missing = append(missing, c)
		}
	}
	switch {
	case len(missing) > 0:
		return Item{name, Warn, found, "limits that need: " + strings.Join(missing, ", "),
			delegateFix()}
	case !slices.Contains(p.Controllers(), "io"):
		return Item{name, OK, found, "io and io_weight limits: the io controller is not delegated",
			delegateFix()}
	}
	return ok(name, found)
}

func delegateFix() string {
	if isRoot() {
		return `remove cgroup_disable= from GRUB_CMDLINE_LINUX in /etc/default/grub, ` +
			`then: sudo update-grub && sudo reboot`
	}
	return `sudo mkdir -p /etc/systemd/system/user@.service.d && ` +
		`printf '[Service]\nDelegate=cpu cpuset io memory pids\n' | ` +
		`sudo tee /etc/systemd/system/user@.service.d/delegate.conf && ` +
		`sudo systemctl daemon-reload; then log in again`
}

// authorities are needed to verify the hosts that secrets go to.
func authorities() Item {
	const name = "certificate authorities"
	pool, err := x509.SystemCertPool()
	if err != nil || pool.Equal(x509.NewCertPool()) {
		return Item{name, Warn, "none found", "secrets and methods of a network by name: no host " +
			"can be verified", "sudo apt-get install ca-certificates"}
	}
	return ok(name, "found")
}

func userSession() Item {
	const name = "systemd user session"
	if isRoot() {
		return ok(name, "not needed: root makes cgroups itself")
	}
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		dir = fmt.Sprintf("/run/user/%d", os.Getuid())
	}
	var tried error
	for _, socket := range []string{"bus", "systemd/private"} {
		conn, err := net.Dial("unix", filepath.Join(dir, socket))
		if err == nil {
			conn.Close()
			return ok(name, filepath.Join(dir, socket)+" answers")
		}
		if tried == nil {
			tried = err
		}
	}
	return Item{name, Warn, tried.Error(),
		"cgroup limits for users, unless a cgroup is delegated to them",
		fmt.Sprintf("sudo loginctl enable-linger %d", os.Getuid())}
}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", "; ") }
