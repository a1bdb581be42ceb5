// Package door decides who may speak to the daemon, and says who it is.
//
//	d := door.New(door.Rules{Users: []int{1000}})
//	l, err := door.Unix("/run/mcpbox/mcpbox.sock")
//	server := &http.Server{Handler: d.Unix(handler), ConnContext: door.Credentials}
//	id, _ := door.From(r.Context()) // in the handler: id.Client is "uid:1000"
//
// On the Unix socket, the kernel says which user the peer is (SO_PEERCRED). Let in are the daemon's
// own user, root, and the listed users, but nobody from another user namespace: a tool in a sandbox
// may have the user's id. Over TCP, a bearer token must be one of those whose SHA-256
// is listed; the Host must be an address of the loopback interface or a listed name, and a
// browser's Origin must be listed:
// else a web page could have its visitor's browser do the asking (DNS rebinding).
//
// It does not protect from another process of the same user, nor from root.
//
// Kernel: SO_PEERCRED, unix(7). Sources: RFC 6750, RFC 9110 §7.2, RFC 6454.
package door
