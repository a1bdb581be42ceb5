// Package stdio connects a program's three standard streams to the caller's. A file is passed on
// directly. Anything else gets a pipe and a goroutine that copies. A limit of the output also needs
// pipes.
//
//	s, err := stdio.Open(stdin, stdout, stderr, limit, exceeded)
//	…                 // the program inherits s.FDs()
//	s.Passed()        // it has them
//	s.Drain()         // it has ended: all that it wrote has been copied
//
// Terminal joins the caller's terminal to a pty of the sandbox.
//
// A program can change a file that it shares with the caller (O_NONBLOCK, a terminal's echo). The
// package undoes such changes when the program ends. Not protected: the caller's offset in a file,
// what other programs see before the end, and everything if this process is killed. pipe(7), pty(7)
package stdio
