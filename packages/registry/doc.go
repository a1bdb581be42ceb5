// Package registry keeps the credentials of registries out of the sandbox in which npm or pip runs.
//
//	c := registry.Credential{Host: "npm.example.com", Header: "Bearer", Value: token}
//	inside := registry.Placeholder(0)                     // what its npmrc has: ${MCPBOX_…}
//	access, err := registry.Protect(policy, []registry.Credential{c}, ca)
//	spec.Secrets, spec.Roots = access.Secrets, access.Roots
//
// The supervisor puts a credential into requests to its own host. The program inside has a
// placeholder. A redirect to another host gets the placeholder at most. With credentials, mcpbox
// reads all requests of the install, and only GET and HEAD pass.
//
// # What it does not protect
//
// A package whose install scripts run may use the credential for requests of its own to the same
// host: it can read what the user may read there.
//
// Kernel: none. RFC 6750 (bearer tokens), RFC 7617 (basic authentication).
package registry
