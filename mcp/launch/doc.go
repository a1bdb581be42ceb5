// Package launch starts MCP servers, each in a sandbox of its own, and hands their pipes to the
// proxy.
//
//	command := runtime.Command{Args: []string{"node", "server.js"}}
//	l := &launch.Launcher{Spec: func() (runtime.Spec, error) { … }, Command: command}
//	server, err := l.Launch(ctx, func() *monitor.Call { return nil })
//	defer server.End()
//
// # What it does not protect
//
// With policy none there is no sandbox: the proxy's rules apply and nothing is contained.
//
// Kernel: see package runtime. WatchHangup needs poll(2).
package launch
