package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/mcpbox/mcpbox/mcp/internal/wire"
)

const askTime = 60 * time.Second // servers that install themselves first are slow

// ask sends a request of the proxy itself. The client's ids are passed on unchanged, so the proxy's
// ids need a prefix that no client uses.
func (conn *serverConn) ask(ctx context.Context, method string, params []byte) (answer, error) {
	name := "mcpbox-" + strconv.FormatUint(conn.own.Add(1), 10)
	c := &call{raw: wire.Quote(name), method: method, began: time.Now(),
		reply: make(chan answer, 1)}
	c.id = wire.ParseID(c.raw)
	if err := conn.pending.add(c); err != nil {
		return answer{}, err
	}
	if err := conn.in.Send(wire.Join(`{"jsonrpc":"2.0","id":`, c.raw, `,"method":`,
		wire.Quote(method), `,"params":`, params, "}\n")); err != nil {
		conn.pending.remove(c.id)
		return answer{}, errServerGone
	}
	limit := time.NewTimer(askTime)
	defer limit.Stop()
	var err error
	select {
	case a := <-c.reply:
		if a.err == nil && a.env.Has(wire.FieldError) {
			a.err = fmt.Errorf("%s: the server answered: %s", method,
				a.env.Raw(a.data, wire.FieldError))
		}
		return a, a.err
	case <-conn.srv.Done():
		err = errServerGone
	case <-ctx.Done():
		err = ctx.Err()
	case <-limit.C:
		err = errors.New(method + ": no answer from the server")
	}
	conn.pending.abandon(c.id)
	return answer{}, err
}

// listTools asks for all pages of the list. meta is the _meta of the requests, for protocol
// versions that need one; nil: none.
func (conn *serverConn) listTools(ctx context.Context, meta []byte) (tools [][]byte, err error) {
	cursor, size := []byte(nil), 0
	for range 1000 {
		var members [][]byte
		if meta != nil {
			members = append(members, wire.Join(`"_meta":`, meta))
		}
		if cursor != nil {
			members = append(members, wire.Join(`"cursor":`, cursor))
		}
		a, err := conn.ask(ctx, "tools/list", wire.Join("{", bytes.Join(members, []byte(",")), "}"))
		if err != nil {
			return nil, err
		}
		if size += len(a.data); size > conn.s.cfg.MaxMessage {
			return nil, errors.New("tools/list: all pages together exceed the maximum message size")
		}
		if v := a.env.At(wire.FieldTools); v.Kind == '[' {
			tools = append(tools, elements(a.data, v.Start)...)
		}
		// absent, null or empty
		if cursor = a.env.Raw(a.data, wire.FieldCursor); len(cursor) < 3 {
			return tools, nil
		}
	}
	return nil, errors.New("tools/list: more than 1000 pages")
}
