// Package client speaks to `mcpbox serve`.
//
//	c, err := client.Dial("") // the default socket; or a path, or http://127.0.0.1:7431 with
//
// WithToken
//
//	x, err := c.Run(ctx, api.ExecutionRequest{Command: []string{"echo", "hello"}})
//	fmt.Println(x.Result.Stdout)
//	box, err := c.CreateSandbox(ctx, api.SandboxRequest{Policy: "standard"})
//	defer c.Destroy(ctx, box.ID)
//
// A refusal is an *api.Problem: errors.As finds it, and its Remedy says what to do. A call whose
// context ends is ended by the daemon, too.
//
// It protects nothing. Importing it starts no sandbox and links none.
//
// Kernel: Unix sockets.
package client
