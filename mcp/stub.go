package mcp

import "context"

type handshake struct{ initialized []byte }
type rules struct{ constrain bool }
type Pins struct{}
type catalog struct{}

func newRules(*Config) *rules                                     { return &rules{} }
func newCatalog(*session) *catalog                                { return &catalog{} }
func (c *catalog) mustKnow(*call) bool                            { return false }
func (c *catalog) stale()                                         {}
func (s *session) watchAllowlist() func()                         { return func() {} }
func (s *session) restarting(*link) bool                          { return false }
func (s *session) waitParked(context.Context)                     {}
func (s *session) isolatedRunning() bool                          { return false }
func (s *session) endIsolated()                                   {}
func (s *session) remember(c *call, data []byte, e *envelope)     {}
func (s *session) judge(*link, *call, *envelope, []byte) *refusal { return nil }
func (s *session) isolate(*call, []byte)                          {}
func (s *session) park(*link, *call, []byte)                      {}
func (s *session) unpark(id) bool                                 { return false }
func (s *session) watchLimits(*link, *call)                       {}

type iso struct{}

func (*iso) cancel()                                              {}
func (s *session) isolatedCall(id) *iso                           { return nil }
func (s *session) reply(l *link, data []byte, e *envelope) []byte { return data }
func (l *link) asks(data []byte, e *envelope) [][]byte            { return [][]byte{data} }
func (l *link) mark(c *call, data []byte, e *envelope) [][]byte   { return [][]byte{data} }
func (l *link) filter(c *call, data []byte, e *envelope) [][]byte { return [][]byte{data} }
func (l *link) introduced(c *call, data []byte, e *envelope) [][]byte {
	return [][]byte{data}
}
