// Package pool keeps sandboxes warm, so that a call gets a fresh and verified cell in less than
// a millisecond instead of a start of its own.
//
//	p := pool.New(pool.Config{})
//	defer p.Close()
//	call := pool.Call{Caller: "ann", Policy: policy, Command: runtime.Command{Args: argv}}
//	result, err := p.Run(ctx, call)
//
// For each policy there are started sandboxes, and in them cells that were built ahead. A call
// takes a cell, which runs it and dies. Cells are built beside the calls. How many are kept ready
// follows the calls of the last minute. A policy that nobody uses any more gives its sandboxes
// back.
//
// A Program is started ahead as well, and waits in its cell for the call: an interpreter, say. A
// session (SessionCall) is a cell whose program serves several calls.
//
// Calls are admitted in turn: at most Config.Live at once, a queue of bounded length, callers
// served round robin. A call that can't be served is a *BusyError with the time to come back.
//
// Calls of one policy share a sandbox's kernel objects that no namespace divides: its id range, its
// root's page cache. Each has namespaces of all kinds, storage and limits of its own.
//
// A call with a workspace or a terminal gets an open cell, in another sandbox: some of its layers
// are applied with the call.
//
// Not for policy none, and not for the policies that runtime.CheckCells refuses.
//
// Linux ≥ 5.10. See package runtime, Cell.
package pool
