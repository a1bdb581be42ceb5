package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/server/api"
)

// Header has the HMAC-SHA256 of a body, in hex. Its key is the content of the secret file.
const Header = "Mcpbox-Signature"

// Hook is where events go.
type Hook struct {
	URL        string
	SecretFile string // "": bodies are not signed
	Severity   monitor.Severity
}

// Sender is safe for concurrent use.
type Sender struct {
	log  *slog.Logger
	http http.Client

	mu     sync.Mutex
	hooks  []Hook
	queues map[Hook]chan api.Event
	start  func(Hook, <-chan api.Event)
}

// New makes a sender without hooks.
func New(log *slog.Logger) *Sender {
	return &Sender{log: log, queues: map[Hook]chan api.Event{}, http: http.Client{
		Timeout: 5 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}}}
}

// Set replaces the hooks. What waits for one that is no longer listed is still tried.
func (s *Sender) Set(hooks []Hook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = hooks
	listed := map[Hook]bool{}
	for _, h := range hooks {
		listed[h] = true
	}
	for h, queue := range s.queues {
		if !listed[h] {
			close(queue)
			delete(s.queues, h)
		}
	}
}

// queue is how many events wait for one hook.
const queue = 1024

// Tell gives an event to the hooks that want it. It returns how many have no place for it.
func (s *Sender) Tell(e api.Event) (lost int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.hooks {
		if !e.Severity.AtLeast(h.Severity) {
			continue
		}
		q := s.queues[h]
		if q == nil && s.start != nil {
			q = make(chan api.Event, queue)
			s.queues[h] = q
			s.start(h, q)
		}
		select {
		case q <- e: // of a nil channel, never
		default:
			lost++
		}
	}
	return lost
}

// Run sends until ctx ends.
func (s *Sender) Run(ctx context.Context) {
	var work sync.WaitGroup
	s.mu.Lock()
	s.start = func(h Hook, events <-chan api.Event) {
		work.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case e, open := <-events:
					if !open {
						return
					}
					s.deliver(ctx, h, e)
				}
			}
		})
	}
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	s.start = nil
	s.mu.Unlock()
	work.Wait()
}

// deliver tries a few times.
func (s *Sender) deliver(ctx context.Context, h Hook, e api.Event) {
	body, err := json.Marshal(e)
	if err != nil {
		return
	}
	const attempts = 4
	wait := time.Second
	for n := 1; ; n++ {
		if err = s.post(ctx, h, body); err == nil || ctx.Err() != nil {
			return
		}
		if n == attempts {
			break
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
			wait *= 2
		}
	}
	s.log.Error("an event could not be sent to a webhook", "url", h.URL, "event", e.ID, "error",
		err)
}

func (s *Sender) post(ctx context.Context, h Hook, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if h.SecretFile != "" {
		secret, err := os.ReadFile(h.SecretFile)
		if err != nil {
			return err
		}
		mac := hmac.New(sha256.New, bytes.TrimSpace(secret))
		mac.Write(body)
		req.Header.Set(Header, hex.EncodeToString(mac.Sum(nil)))
	}
	res, err := s.http.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	if res.StatusCode/100 != 2 {
		err = fmt.Errorf("answered %s", res.Status)
	}
	return errors.Join(err, res.Body.Close())
}
