//go:build !amd64

package int80

// Available reports whether this kernel has the entry: only x86 has it.
func Available() bool { return false }
