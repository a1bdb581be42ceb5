// Package pool keeps sandboxes warm. A call then gets a fresh and verified cell in less than a
// millisecond, and needs no start of its own.
//
//	p := pool.New(pool.Config{})
//	defer p.Close()
//	call := pool.Call{Caller: "ann", Policy: policy, Command: runtime.Command{Args: argv}}
//	result, err := p.Run(ctx, call)
//
// For each policy, the pool starts sandboxes, and builds cells in them in advance. A call takes a
// cell; the cell runs the call and ends. The pool builds new cells while calls run. The number of
// ready cells follows the calls of the last minute. If nobody uses a policy any more, the pool
// closes its sandboxes.
//
// A Program, such as an interpreter, also starts in advance, and waits in its cell for the call. A
// session (SessionCall) is a cell whose program serves several calls.
//
// The pool admits calls in turn: at most Config.Live run at once, the queue has a bounded length,
// and callers are served round robin. If the pool can't serve a call, the error is a *BusyError,
// which says when to try again.
//
// Calls of one policy share the kernel objects that no namespace divides: the sandbox's id range
// and the page cache of its root. Each call has namespaces of all kinds, storage and limits of its
// own.
//
// A call with a workspace or a terminal gets an open cell, in another sandbox. Some layers of an
// open cell are applied when the call comes.
//
// The pool does not serve the policy none, nor the policies that runtime.CheckCells refuses.
//
// Linux ≥ 5.10. See package runtime, Cell.
package pool
