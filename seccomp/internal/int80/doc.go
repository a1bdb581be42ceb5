// Package int80 makes i386 system calls from a 64-bit program, for tests: the
// entry that a filter for the native architecture alone would leave open.
package int80
