// Package deputy does for a tool what a filter can't allow, because what makes it harmless is not
// in the registers: it looks at the file that is really meant, and then does it to that file
// itself.
//
//	if answer, ok := deputy.Chmod(call, allows, tool); ok { … }   // in the listener's loop
//
// The package looks a path up in the tool's root, as the tool would, and pins the file (O_PATH). So
// it acts on the file that it has checked, whatever the tool does to its memory or its folders
// meanwhile. The supervisor has more rights than the tool, so each function checks that the tool's
// own rights are sufficient. If it can't decide, the call is refused.
//
// Linux ≥ 5.6 (openat2(2), RESOLVE_IN_ROOT). seccomp_unotify(2)
package deputy
