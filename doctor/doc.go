// Package doctor tries out what this host can enforce: it creates namespaces, installs a listener
// and looks for a cgroup parent.
//
//	report := doctor.Check(ctx)
//	for _, item := range report.Items { fmt.Println(item.Status, item.Name, item.Found) }
//	if !report.OK { … } // the preset "standard" can't be enforced
//
// Each item says what mcpbox cannot do without it, and which command fixes it. Check changes
// nothing on the host, with two exceptions: as root it makes the cgroup mcpbox, and as a user it
// may move this process into a systemd scope.
//
// Check starts each preset once. This does not prove that a given policy starts. Only a run shows
// whether a file system supports idmapped mounts, or whether a limit is high enough.
//
// It needs no particular kernel: it reports what is missing. Package kernel has the versions.
package doctor
