// Package daemon has the commands about the daemon: serve, which is one, and those that ask it.
//
//	root.AddCommand(daemon.NewServeCmd(version), daemon.NewPSCmd())
//
// The logic is in packages server and server/client.
//
// Kernel: see package server.
package daemon
