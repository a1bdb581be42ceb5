// Package fswatch watches for new, removed and changed files in the folders of the host that a
// sandbox may write, for rules about files.
//
//	w, err := fswatch.Watch([]fswatch.Folder{{Source: "/home/ada/notes", Target: "/work"}},
//		func(f monitor.File) { … }, func(reason string) { … })
//	defer w.Stop()
//
// It uses inotify(7) on the host, folder by folder. A new folder is watched too, and files that
// were put into it before are found. It can't tell who made a change, because others may write the
// same folder. It prevents nothing: it sees a change only after it was made.
//
// Bounds: maxFolders folders. Beyond them, and when the kernel's queue overflows, blind is called.
//
// Kernel: inotify(7).
package fswatch
