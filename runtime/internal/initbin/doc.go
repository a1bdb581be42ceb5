// Package initbin holds mcpbox-init, the executable of every sandbox's PID 1, in a memfd.
//
//	f, err := initbin.File() // a memfd, close-on-exec, to be inherited
//	err = initbin.Sealed()   // before anybody executes it
//
// Usually it is the embedded one. A program that was built without `make` embeds none: then the
// package uses the file in $MCPBOX_INIT, or mcpbox-init next to the program, or in $PATH. PID 1
// refuses to start for a supervisor of another version (initproto.Version).
//
// A sealed memfd can't be written through /proc/1/exe (CVE-2019-5736), leaves nothing on disk, and
// serves any number of sandboxes. memfd_create(2), Linux ≥ 3.17.
package initbin
