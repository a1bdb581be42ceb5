// Package stdio connects a program's three standard streams to what the caller gave. A file is passed
// on as it is. Anything else is a pipe with a goroutine that copies. A limit on the output, too, needs
// pipes.
//
//	s, err := stdio.Open(stdin, stdout, stderr, limit, exceeded)
//	…                 // the program inherits s.FDs()
//	s.Passed()        // it has them
//	s.Drain()         // it has ended: all that it wrote has been copied
//
// Terminal joins the caller's terminal to a pty of the sandbox.
//
// What a program changes about a descriptor that it shares with the caller (O_NONBLOCK, a terminal's
// echo) is put back at its end. Not protected: the caller's offset in a file, what other programs find
// before the end, and all of it if this process is killed. pipe(7), pty(7)
package stdio
