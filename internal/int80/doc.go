// Package int80 makes i386 system calls from a 64-bit program, for tests. A filter for the native
// architecture only would not cover them.
package int80
