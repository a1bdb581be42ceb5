// Package initproto is the protocol between the supervisor and mcpbox-init (PID 1 of every sandbox)
// over a SOCK_SEQPACKET pair, with one message a packet:
//
//	supervisor                                    mcpbox-init
//	    │ setup {dirs, files, links}                   │
//	    ├──────────────────────────────────────────▶   │ builds what the mounts left open
//	    │                                     ready    │ + fd of the sandbox's own storage
//	    │   ◀──────────────────────────────────────────┤
//	    │ network {addresses, ports}, if any           │
//	    ├──────────────────────────────────────────▶   │ routes, sockets; then fewer capabilities
//	    │                           networked {IPv6}   │
//	    │                  + fds of the sockets        │
//	    │   ◀──────────────────────────────────────────┤
//	    │ spawn {argv, env, cell, filter} + stdio fds  │
//	    ├──────────────────────────────────────────▶   │ clone into a cell; every layer on
//	    │                          locked {listener}   │ the child waits before its execve
//	    │            + pidfd, line to the child        │
//	    │   ◀──────────────────────────────────────────┤
//	    │ verifies the layers, takes the listener,     │
//	    │ then on the line: one byte                   │ the child calls execve (closes it)
//	    │                                              │
//	    │ connect {port}, if one is published          │
//	    ├──────────────────────────────────────────▶   │
//	    │            connected + fd of the connection  │
//	    │   ◀──────────────────────────────────────────┤
//	    │ signal, resize …                             │
//	    ├──────────────────────────────────────────▶   │
//	    │                     exited {status, usage}   │
//	    │   ◀──────────────────────────────────────────┤
//	    │ (closes the socket)                          │ exits; the kernel kills the namespace
//
// A warm cell is built before its call. mcpbox-init passes the cell's descriptors to the supervisor
// and takes no part in the call:
//
//	supervisor                                    mcpbox-init         the cell
//	    │ build {cell, filter}                         │
//	    ├──────────────────────────────────────────▶   │ clones      ───▶ │ mounts, ruleset
//	    │                                     built    │                  │
//	    │         fds: pidfd, call socket, exit pipe   │                  │
//	    │   ◀──────────────────────────────────────────┤                  │
//	    │                           record, the tool's pidfd (call socket)│ clones the tool's
//	    │   ◀─────────────────────────────────────────────────────────────┤ process
//	    │                                              record {listener}  │ which puts every
//	    │   ◀─────────────────────────────────────────────────────────────┤ layer on, and waits
//	    │ verifies the layers                                             │
//	    │ Call {argv, env, dir} + stdio fds                               │
//	    ├─────────────────────────────────────────────────────────────▶   │ execve (closes it)
//	    │                                              status, usage      │ (exit pipe)
//	    │   ◀─────────────────────────────────────────────────────────────┤ all processes killed
//	    │ kills the reaper                                                │
//
// The layers of an open cell come with the call, because a workspace or a terminal has to come
// first. So the record {listener} follows the call. The supervisor verifies then, and sends one
// byte, as for a spawn.
//
// Any step may answer failed {step, index, errno} instead. Bodies that may be
// large travel in a memfd, the first descriptor of the message, since a
// packet is limited by the socket's buffer (net.core.wmem_max).
//
// The package uses the standard library and x/sys only: it is linked into
// mcpbox-init. It does not authenticate: whoever holds the descriptor is the
// supervisor, and mcpbox-init passes it to nobody.
//
// Linux ≥ 3.17 (memfd_create(2)), unix(7), cmsg(3).
package initproto
