package server

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
	"net/http"
	"os"
	"time"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/internal/config"
)

// SignatureHeader has the HMAC-SHA256 of a webhook's body, in hex, with the content of secret_file
// as the key.
const SignatureHeader = "Mcpbox-Signature"

// webhooks logs what rules asked for, and tells the config's webhooks of events. Addresses and
// secrets come from the operator's file only.
func (d *daemon) webhooks(ctx context.Context) {
	events, stop := d.hub.Follow()
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e, open := <-events:
			if !open {
				return
			}
			if monitor.Asked(e.Event) {
				d.log.Warn("a rule has matched", "rule", e.Rule, "action", e.Action,
					"severity", e.Severity, "sandbox", e.Sandbox, "execution", e.Execution,
					"client", e.Client, "caller", e.Caller, "event", e.ID, "count", e.Count)
			}
			cfg := d.cfg.Load()
			for _, hook := range cfg.Webhooks {
				if e.Severity.AtLeast(hook.Severity) {
					d.deliver(ctx, cfg, hook, e)
				}
			}
		}
	}
}

// deliver tries a few times. Events wait meanwhile; what does not fit the queue is counted as lost.
func (d *daemon) deliver(
	ctx context.Context,
	cfg *config.Config,
	hook config.Webhook,
	e api.Event,
) {
	body, err := json.Marshal(e)
	if err != nil {
		return
	}
	const attempts = 4
	wait := time.Second
	for n := 1; ; n++ {
		if err = post(ctx, hook.URL, cfg.Path(hook.Secret), body); err == nil || ctx.Err() != nil {
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
	d.log.Error("an event could not be sent to a webhook", "url", hook.URL, "event", e.ID, "error",
		err)
}

var webhookClient = http.Client{Timeout: 5 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func post(ctx context.Context, url, secretFile string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if secretFile != "" {
		secret, err := os.ReadFile(secretFile)
		if err != nil {
			return err
		}
		mac := hmac.New(sha256.New, bytes.TrimSpace(secret))
		mac.Write(body)
		req.Header.Set(SignatureHeader, hex.EncodeToString(mac.Sum(nil)))
	}
	res, err := webhookClient.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	if res.StatusCode/100 != 2 {
		err = fmt.Errorf("answered %s", res.Status)
	}
	return errors.Join(err, res.Body.Close())
}
