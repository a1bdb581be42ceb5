package quota

import "sync"

// Limits of a Quota.
type Limits struct {
	Requests int   // of one client, in progress
	Bytes    int64 // of one client, in memory
	All      int64 // bytes of all clients together
}

// Quota is safe for concurrent use.
type Quota struct {
	limits Limits

	mu    sync.Mutex
	of    map[string]*use
	bytes int64
}

type use struct {
	requests int
	bytes    int64
}

// New makes a quota of which nothing is used.
func New(l Limits) *Quota { return &Quota{limits: l, of: map[string]*use{}} }

// Share is what one request has.
type Share struct {
	of      *Quota
	client  string
	bytes   int64
	holders int
}

// Enter begins a request. It is false if the client has too many.
func (q *Quota) Enter(client string) (*Share, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	u := q.of[client]
	if u == nil {
		u = &use{}
		q.of[client] = u
	}
	if u.requests >= q.limits.Requests {
		return nil, false
	}
	u.requests++
	return &Share{of: q, client: client, holders: 1}, true
}

// Take adds bytes. It is false, and takes nothing, if the client or all together have too many.
func (s *Share) Take(n int64) bool {
	q := s.of
	q.mu.Lock()
	defer q.mu.Unlock()
	u := q.of[s.client]
	if u.bytes+n > q.limits.Bytes || q.bytes+n > q.limits.All {
		return false
	}
	u.bytes += n
	q.bytes += n
	s.bytes += n
	return true
}

// Keep makes the caller one more holder, who calls Leave as well.
func (s *Share) Keep() {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.holders++
}

// Leave gives everything back, if the caller is the last holder.
func (s *Share) Leave() {
	q := s.of
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.holders--; s.holders > 0 {
		return
	}
	u := q.of[s.client]
	u.requests--
	u.bytes -= s.bytes
	q.bytes -= s.bytes
	if u.requests == 0 {
		delete(q.of, s.client)
	}
}
