// Package client speaks to `mcpbox serve`.
//
//	// "" is the default socket. Also: a path, or http://127.0.0.1:7431 with WithToken.
//	c, err := client.Dial("")
//	x, err := c.Run(ctx, api.ExecutionRequest{Command: []string{"echo", "hello"}})
//	fmt.Println(x.Result.Stdout)
//	box, err := c.CreateSandbox(ctx, api.SandboxRequest{Policy: "standard"})
//	defer c.Destroy(ctx, box.ID)
//
// A refusal is an *api.Problem: errors.As finds it, and its Remedy says what to do. If the context
// of a call ends, the daemon ends the call, too.
//
// The package protects nothing. Importing it starts no sandbox, and does not link the code that
// could.
//
// Kernel: Unix sockets.
package client
