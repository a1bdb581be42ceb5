package egress

import (
	"encoding/binary"
	"errors"

	"github.com/mcpbox/mcpbox/policies/hostrule"
)

// maxHello is the size of the largest ClientHello. Post-quantum keys take about two KiB, session
// tickets as much.
const maxHello = 16 << 10

// hello is what a TLS ClientHello says of the server that is wanted. RFC 8446 4.1.2, RFC 6066 3
type hello struct {
	sni       string // canonical; "" if there is none
	encrypted bool   // encrypted_client_hello: the true name may be another. RFC 9849
}

var (
	errMore   = errors.New("the ClientHello is not complete") // more bytes may make it so
	errNotTLS = errors.New("not a TLS ClientHello")
	errBad    = errors.New("a ClientHello that is not well-formed") // it begins like one
)

// TLS numbers. RFC 8446 B
const (
	recordHandshake = 22
	clientHello     = 1
	extServerName   = 0
	extECH          = 0xfe0d
	nameHost        = 0
)

// parseHello reads a ClientHello from the first bytes of a connection. It may be split over
// records. Only a well-formed one is accepted: a server must not be able to read it in another way.
func parseHello(data []byte) (hello, error) {
	message, err := handshake(data)
	if err != nil {
		return hello{}, err
	}
	r := reader{message}
	r.skip(2 + 32)           // legacy_version, random
	r.skip(int(r.number(1))) // legacy_session_id
	r.skip(int(r.number(2))) // cipher_suites
	r.skip(int(r.number(1))) // legacy_compression_methods
	var h hello
	if r.data != nil && len(r.data) == 0 {
		return h, nil // no extensions: SSL 3 and old TLS
	}
	extensions := reader{r.take(int(r.number(2)))}
	if r.data == nil || len(r.data) > 0 {
		return h, errBad
	}
	seen := false
	for len(extensions.data) > 0 {
		kind := extensions.number(2)
		body := reader{extensions.take(int(extensions.number(2)))}
		if extensions.data == nil {
			return h, errBad
		}
		switch kind {
		case extECH:
			h.encrypted = true
		case extServerName:
			if seen {
				return h, errBad
			}
			seen = true
			if h.sni, err = serverName(body); err != nil {
				return h, err
			}
		}
	}
	return h, nil
}

// serverName reads server_name, which must be a list of exactly one host name.
func serverName(body reader) (string, error) {
	list := reader{body.take(int(body.number(2)))}
	kind := list.number(1)
	raw := list.take(int(list.number(2)))
	if body.data == nil || list.data == nil || len(body.data) > 0 || len(list.data) > 0 ||
		kind != nameHost {
		return "", errBad
	}
	name, ok := hostrule.CanonicalName(string(raw))
	if !ok {
		return "", errBad
	}
	return name, nil
}

// handshake returns the first handshake message, without the records around it.
func handshake(data []byte) ([]byte, error) {
	var message []byte
	wrong := errNotTLS
	for {
		if len(data) > 0 && data[0] != recordHandshake || len(data) > 1 && data[1] != 3 {
			return nil, wrong
		}
		if len(data) < 5 {
			return nil, errMore
		}
		wrong = errBad
		n := int(binary.BigEndian.Uint16(data[3:]))
		if n == 0 || n > 1<<14 {
			return nil, errBad
		}
		part := data[5:min(len(data), 5+n)]
		message = append(message, part...)
		if len(message) > 0 && message[0] != clientHello {
			return nil, errBad
		}
		if len(message) >= 4 {
			size := int(message[1])<<16 | int(message[2])<<8 | int(message[3])
			if size > maxHello {
				return nil, errBad
			}
			if len(message) >= 4+size {
				return message[4 : 4+size], nil
			}
		}
		if len(part) < n {
			return nil, errMore
		}
		data = data[5+n:]
	}
}

// reader takes fields off the front. If a field is missing, data becomes nil, and all further
// fields are empty.
type reader struct{ data []byte }

func (r *reader) take(n int) []byte {
	if r.data == nil || n > len(r.data) {
		r.data = nil
		return nil
	}
	out := r.data[:n:n]
	r.data = r.data[n:]
	return out
}

func (r *reader) skip(n int) { r.take(n) }

func (r *reader) number(size int) (n uint32) {
	for _, b := range r.take(size) {
		n = n<<8 | uint32(b)
	}
	return n
}
