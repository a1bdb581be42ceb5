package proxy

// watchAllowlist tells the client to list again when the allowlist has changed. Calls need no such
// notice: the allowlist is asked at every call.
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
				// before the client is told, so that no change is missed
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
