package cgroups

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	systemd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
)

const scopeTimeout = 5 * time.Second

// isOwnScope reports whether the cgroup is a scope that newScope created, or the top of one.
func isOwnScope(rel string) bool {
	name := path.Base(rel)
	return strings.HasPrefix(name, "mcpbox-") && strings.HasSuffix(name, ".scope")
}

// newScope asks the user's service manager for a scope with Delegate=yes that contains this
// process, and moves this process into a leaf of it. systemd removes the scope when its last
// process has ended.
func newScope(ctx context.Context, h hierarchy) (*Parent, error) {
	ctx, cancel := context.WithTimeout(ctx, scopeTimeout)
	defer cancel()
	conn, err := systemd.NewConnection(func() (*dbus.Conn, error) { return dialUser(ctx) })
	if err != nil {
		return nil, fmt.Errorf("no systemd user session: %w", err)
	}
	defer conn.Close()
	unit := fmt.Sprintf("mcpbox-%d.scope", os.Getpid())
	done := make(chan string, 1)
	_, err = conn.StartTransientUnitContext(ctx, unit, "fail", []systemd.Property{
		systemd.PropDescription("mcpbox sandboxes"),
		{Name: "Delegate", Value: dbus.MakeVariant(true)},
		{Name: "PIDs", Value: dbus.MakeVariant([]uint32{uint32(os.Getpid())})},
		{Name: "CollectMode", Value: dbus.MakeVariant("inactive-or-failed")},
	}, done)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", unit, err)
	}
	select {
	case result := <-done:
		if result != "done" {
			return nil, fmt.Errorf("start %s: %s", unit, result)
		}
	case <-ctx.Done():
		return nil, fmt.Errorf("start %s: %w", unit, ctx.Err())
	}
	h, err = currentHierarchy()
	if err != nil {
		return nil, err
	}
	if path.Base(h.self) != unit {
		return nil, fmt.Errorf("start %s: this process is in %s", unit, h.self)
	}
	p, err := findDelegated(h)
	if err != nil {
		return nil, err
	}
	p.origin = OriginScope
	return p, nil
}

// dialUser connects to the user's bus, or if there is none, to the service manager. It never starts
// a bus.
func dialUser(ctx context.Context) (*dbus.Conn, error) {
	dir := runtimeDir()
	address := os.Getenv("DBUS_SESSION_BUS_ADDRESS")
	if address == "" {
		address = "unix:path=" + dbus.EscapeBusAddressValue(filepath.Join(dir, "bus"))
	}
	conn, err := dialAuth(ctx, address)
	if err == nil {
		if err = conn.Hello(); err == nil {
			return conn, nil
		}
		conn.Close()
	}
	private, perr := dialAuth(ctx, "unix:path="+dbus.EscapeBusAddressValue(filepath.Join(dir,
		"systemd/private")))
	if perr != nil {
		return nil, err
	}
	return private, nil // the manager's own socket is not a bus and needs no Hello
}

// runtimeDir is the folder of the user's sockets.
func runtimeDir() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return dir
	}
	return fmt.Sprintf("/run/user/%d", os.Getuid())
}

func dialAuth(ctx context.Context, address string) (*dbus.Conn, error) {
	conn, err := dbus.Dial(address, dbus.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	if err := conn.Auth([]dbus.Auth{dbus.AuthExternal(fmt.Sprint(os.Getuid()))}); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}
