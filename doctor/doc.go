// Package doctor finds out what this host can enforce, by trying: namespaces
// are created, a listener is installed, a cgroup parent is looked for.
//
//	report := doctor.Check(ctx)
//	for _, item := range report.Items { fmt.Println(item.Status, item.Name, item.Found) }
//	if !report.OK { … } // the preset "standard" can't be enforced
//
// Each item says what mcpbox cannot do without it, and which command fixes it. Check changes
// nothing on the host, with two exceptions: as root it makes the cgroup mcpbox, and as a user it
// may move this process into a systemd scope.
//
// Each preset is started once. That does not prove that a given policy starts: whether a file
// system supports idmapped mounts, or whether a limit is high enough, shows only in a run.
//
// It needs no particular kernel: it reports what is missing. Package kernel has the versions.
package doctor
