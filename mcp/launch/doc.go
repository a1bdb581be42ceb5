// Package launch starts MCP servers, each in its own sandbox, and gives their pipes to the proxy.
//
//	command := runtime.Command{Args: []string{"node", "server.js"}}
//	l := &launch.Launcher{Spec: func() (runtime.Spec, error) { … }, Command: command}
//	server, err := l.Launch(ctx, func() *monitor.Call { return nil })
//	defer server.End()
//
// # What it does not protect
//
// With policy none there is no sandbox: the proxy's rules apply, but the server is not contained.
//
// Kernel: see package runtime. WatchHangup needs poll(2).
package launch
