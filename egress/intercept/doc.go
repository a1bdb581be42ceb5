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
// The tool trusts the authority, which is of one sandbox and may sign for these hosts only. Its key
// stays in the supervisor. In the sandbox there is a placeholder in the place of each secret. It is
// replaced on the way to a host that the secret is for, in the part of the request that the policy
// names, and nowhere else. Requests are parsed and written anew: what is between two requests can't
// be smuggled past.
//
// An echo is masked: in headers, in trailers, in bodies, and in what follows a switch of protocols,
// also where it is split between two reads. These forms are found: the secret as it is, in URLs, in
// JSON, in HTML, and in base64. Hosts are asked for uncompressed answers; gzip and deflate are
// undone, an answer that is compressed otherwise is refused.
//
// Not protected: a secret that its own host sends back in another form, or in pieces. What follows
// a switch to WebSocket is passed on, masked but unread.
//
// RFC 9110, 9112, 9113, 7617, 6455.
package intercept
