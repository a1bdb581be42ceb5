package rootfs

import (
	"fmt"
	"os"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// identity plans the files that say which user and host a program runs as. With a rootfs folder,
// bind mounts in the cell put them over the folder's own files.
func (b *builder) identity() {
	id := initproto.ToolID
	files := map[string]string{
		"passwd": fmt.Sprintf(
			"root:x:0:0:root:/nonexistent:/bin/false\n"+
				"user:x:%d:%d:user:%s:/bin/sh\n"+
				"nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n", id, id, Home),
		"group":       fmt.Sprintf("root:x:0:\nuser:x:%d:\nnogroup:x:65534:\n", id),
		"hosts":       "127.0.0.1 localhost " + b.Hostname + "\n::1 localhost\n",
		"hostname":    b.Hostname + "\n",
		"resolv.conf": "",
		"nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: " +
			"files\nprotocols: files\n",
	}
	if b.Resolver != "" {
		files["resolv.conf"] = "nameserver " + b.Resolver + "\n"
	}
	if b.HostNet {
		for _, name := range []string{"hosts", "resolv.conf"} {
			if data, err := os.ReadFile("/etc/" + name); err == nil {
				files[name] = string(data)
			}
		}
	}
	for _, name := range []string{"passwd", "group", "hosts", "hostname", "resolv.conf",
		"nsswitch.conf"} {
		if b.Filesystem.Rootfs == "" {
			b.file("/etc/"+name, 0o644, []byte(files[name]))
			continue
		}
		// The folder's /etc is a read-only mount: bind our file over its file.
		b.dir("/.etc", 0o755)
		b.file("/.etc/"+name, 0o644, []byte(files[name]))
	}
}
