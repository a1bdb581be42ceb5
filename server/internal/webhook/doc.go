// Package webhook sends events to the addresses that the operator's config lists.
//
//	s := webhook.New(log)
//	s.Set([]webhook.Hook{{URL: "https://hooks.example/x", SecretFile: "/etc/mcpbox/key"}})
//	s.Tell(event) // does not wait
//	s.Run(ctx)    // until ctx ends
//
// Each address has a queue of its own: one that does not answer holds up no other. A delivery is
// tried four times. The body's HMAC-SHA256 is in the header Mcpbox-Signature. Redirects are not
// followed: an address that the operator has not listed is never asked.
//
// It does not protect from what the listed address does with the event.
//
// Kernel: none. Sources: RFC 2104.
package webhook
