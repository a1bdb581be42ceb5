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
// Not protected: what a program does to a descriptor that it shares with the caller (O_NONBLOCK, its
// offset). pipe(7), pty(7)
package stdio
