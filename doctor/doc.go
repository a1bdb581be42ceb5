// Package doctor finds out what this host can enforce, by trying: namespaces
// are created, a listener is installed, a cgroup parent is looked for.
//
//	report := doctor.Check(ctx)
//	for _, item := range report.Items { fmt.Println(item.Status, item.Name, item.Found) }
//	if !report.OK { … } // the preset "standard" can't be enforced
//
// Each item says what mcpbox loses without it and the command that mends it.
// Nothing on the host is changed, except that as a user the process may move
// into a systemd scope of its own, and that as root <cgroup2>/mcpbox is made.
//
// It does not prove that a given policy starts: that a file system supports
// idmapped mounts or that a limit is high enough shows when it is used.
package doctor
