// Package intercept ends TLS for the hosts that a policy has secrets or HTTP methods for, reads the
// requests, puts the secrets in, and passes them on to the real host by HTTP/1.1 or HTTP/2, over a
// connection that it verifies as any browser does.
//
//	authority, err := intercept.NewAuthority(names)
//	i := intercept.New(intercept.Config{Secrets: secrets, Authority: authority, Dial: dial})
//	defer i.Close()
//	…
//	i.Serve(conn, intercept.Terms{Name: "api.github.com", Port: 443, TLS: true, Report: report})
//
// The tool trusts the authority. It is for one sandbox, and may sign for these hosts only. Its key
// stays in the supervisor. In the sandbox there is a placeholder instead of each secret. mcpbox
// replaces it on the way to a host of the secret, in the part of the request that the policy names,
// and nowhere else. Requests are parsed and written anew, so nothing can be smuggled between two.
//
// An echo of a secret is masked in headers, trailers and bodies, and after a switch to WebSocket,
// also if it is split between two reads. These forms are found: the secret as it is, in small or
// capital letters, escaped for URLs, JSON or HTML, in base64 and in hexadecimal. In a header the
// placeholder takes its place, elsewhere as many stars. A host that sends the secret slowly gives
// away its first four bytes. Hosts are asked for uncompressed responses. gzip and deflate are
// undone all the same; any other compression is refused.
//
// Not protected: a secret that its own host sends back in another form, or in pieces. Data after a
// switch to WebSocket is masked, but not read.
//
// RFC 9110, 9112, 9113, 7617, 6455.
package intercept
