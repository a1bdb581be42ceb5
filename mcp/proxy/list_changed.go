package proxy

// watchAllowlist sends the client list_changed notifications when the allowlist has changed. Calls
// don't depend on it: each call is checked against the current allowlist.
func (s *session) watchAllowlist() (stop func()) {
	if s.cfg.Allow == nil {
		return func() {}
	}
	done := make(chan struct{})
	changed := s.cfg.Allow.Changed()
	go func() {
		for {
			select {
			case <-done:
				return
			case <-changed:
				// before the notification, so that no change is missed
				changed = s.cfg.Allow.Changed()
				var ready bool
				s.view(func(st *state) { ready = st.handshake.initialized != nil })
				if !ready {
					continue
				}
				for _, what := range []string{"tools", "resources", "prompts"} {
					_ = s.client.Send([]byte(`{"jsonrpc":"2.0","method":"notifications/` + what +
						`/list_changed"}` + "\n"))
				}
			}
		}
	}()
	return func() { close(done) }
}
