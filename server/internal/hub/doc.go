// Package hub takes in the security events of everything that runs, keeps them, and tells those who
// follow.
//
//	h := hub.New(db)
//	spec.Sinks = []monitor.Sink{h.Sink(hub.Origin{Client: "uid:1000", Sandbox: id})}
//	follow, stop := h.Follow()
//	defer stop()
//	for e := range follow { … }
//
// A follower that does not keep up loses events: Lost counts them. What is in the state is
// complete.
//
// Kernel: none.
package hub
