// Package decode shows the arguments of a system call in the form in which a person would write
// them: paths and addresses from the program's memory, flags by name. It also knows how wide the
// kernel reads each argument, which a filter needs for comparisons.
//
// The memory belongs to an untrusted program that may change it at any time. Arguments bounds its
// reads, and its texts are safe to print. Use them for reports and rules, never for a permission
// (seccomp_unotify(2), "Design goals; use of SECCOMP_USER_NOTIF_FLAG_CONTINUE").
package decode
