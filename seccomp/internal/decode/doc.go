// Package decode shows the arguments of a system call as a person would write them: paths and
// addresses from the program's memory, flags by name. It also says how wide the kernel reads each
// argument, which a comparison in a filter must know.
//
// The memory belongs to an untrusted program that may change it at any time. Arguments bounds its
// reads, and what it returns is fit to print. It is for reports and rules: never base a permission
// on it (seccomp_unotify(2), "Design goals; use of SECCOMP_USER_NOTIF_FLAG_CONTINUE").
package decode
