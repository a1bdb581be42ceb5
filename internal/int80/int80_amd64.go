package int80

// Call enters the kernel by int $0x80 with i386 numbers; it returns the raw result.
func Call(nr, a, b, c uint32) int32
