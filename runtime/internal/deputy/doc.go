// Package deputy does for a tool what a filter can't allow, because what makes it harmless is not in the registers: it
// looks at the file that is really meant, and then does it to that file itself.
//
//	if answer, ok := deputy.Chmod(call, allows, tool); ok { … }   // in the listener's loop
//
// A path is looked up in the tool's root as the tool would, and pinned (O_PATH): what was looked at is what is acted on,
// whatever the tool does to its memory or its folders meanwhile. The supervisor has more rights than the tool, so each
// function checks by itself that the tool's own would do. What can't be decided is left to the refusal.
//
// Linux ≥ 5.6 (openat2(2), RESOLVE_IN_ROOT). seccomp_unotify(2)
package deputy
