package mcp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

const askTime = 60 * time.Second // servers that fetch themselves first take their time

// ask makes a request of the proxy's own. Its id can't be the client's: those are passed on as they are, but no client
// has reason to begin one like this.
func (l *link) ask(ctx context.Context, method string, params []byte) (answer, error) {
	name := "mcpbox-" + strconv.FormatUint(l.own.Add(1), 10)
	c := &call{raw: quote(name), method: method, began: time.Now(), private: make(chan answer, 1)}
	c.id = idOf(c.raw)
	if err := l.flight.add(c); err != nil {
		return answer{}, err
	}
	if err := l.in.send(join(`{"jsonrpc":"2.0","id":`, c.raw, `,"method":`, quote(method), `,"params":`, params, "}\n")); err != nil {
		l.flight.remove(c.id)
		return answer{}, errGone
	}
	limit := time.NewTimer(askTime)
	defer limit.Stop()
	var err error
	select {
	case a := <-c.private:
		if a.err == nil && a.env.has(fError) {
			a.err = fmt.Errorf("%s: the server answers: %s", method, a.env.of(a.data, fError))
		}
		return a, a.err
	case <-l.srv.Done():
		err = errGone
	case <-ctx.Done():
		err = ctx.Err()
	case <-limit.C:
		err = errors.New(method + ": the server does not answer")
	}
	l.flight.giveUp(c.id)
	return answer{}, err
}

// listTools asks for all pages. meta is the request's _meta, for protocols that need one; nil: none.
func (l *link) listTools(ctx context.Context, meta []byte) (tools [][]byte, err error) {
	cursor, size := []byte(nil), 0
	for range 1000 {
		var members [][]byte
		if meta != nil {
			members = append(members, join(`"_meta":`, meta))
		}
		if cursor != nil {
			members = append(members, join(`"cursor":`, cursor))
		}
		a, err := l.ask(ctx, "tools/list", join("{", bytes.Join(members, []byte(",")), "}"))
		if err != nil {
			return nil, err
		}
		if size += len(a.data); size > l.s.cfg.MaxMessage {
			return nil, errors.New("tools/list: all pages together are longer than a message may be")
		}
		if v := a.env.v[fTools]; v.kind == '[' {
			walk(a.data, v.start, func(_ []byte, from, to int) { tools = append(tools, a.data[from:to]) })
		}
		if cursor = a.env.of(a.data, fCursor); len(cursor) < 3 { // absent, null-ish or empty
			return tools, nil
		}
	}
	return nil, errors.New("tools/list: the list has no end")
}
