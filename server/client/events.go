package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"

	"github.com/mcpbox/mcpbox/server/api"
)

// Events returns a page of security events, oldest first. The query is as in docs/API.md: type,
// severity, sandbox, execution, caller, since, after, limit.
func (c *Client) Events(ctx context.Context, query url.Values) (*api.Events, error) {
	out := new(api.Events)
	return out, c.Do(ctx, "GET", "/v1/events?"+query.Encode(), nil, out)
}

// Follow calls each for every event from now on, or after query's after, until ctx ends, each
// fails, or the daemon ends, which is io.EOF.
func (c *Client) Follow(ctx context.Context, query url.Values, each func(api.Event) error) error {
	q := url.Values{"follow": {"1"}}
	for k, v := range query {
		q[k] = v
	}
	res, err := c.send(ctx, "GET", "/v1/events?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok {
			continue
		}
		var e api.Event
		if err := json.Unmarshal(data, &e); err != nil {
			return err
		}
		if err := each(e); err != nil {
			return err
		}
	}
	return errors.Join(lines.Err(), io.EOF)
}
