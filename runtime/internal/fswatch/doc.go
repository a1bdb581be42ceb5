// Package fswatch sees what is made, removed and changed in the folders of the host that a sandbox
// may write, for rules about files.
//
//	w, err := fswatch.Watch([]fswatch.Folder{{Source: "/home/ada/notes", Target: "/work"}},
//		func(f monitor.File) { … }, func(reason string) { … })
//	defer w.Stop()
//
// It uses inotify(7) on the host's side, folder by folder. A folder that is made later is watched
// from then on; what was put into it before is looked up. It can't tell who made a change: others
// may write the same folder. It protects nothing: when it sees a change, the change is made.
//
// Bounds: maxFolders folders. Beyond them, and when the kernel's queue overflows, blind is called.
//
// Kernel: inotify(7).
package fswatch
